"""The studio for tests: a real server in a process of its own, and an assessor who works in it over HTTP.

`python tests/studio_server.py FD SETTINGS` serves on a listening socket that the caller holds.
"""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from corpus.protocols import Event, Plan, replay

SECRET = "a secret of the tests, long enough to sign with"
TOKEN = "the administrator's token of the tests"
HEADER = "X-CSRF-Token"
ROOT = Path(__file__).parents[1]


class Assessor:
    """Somebody who follows a link and works.

    client: an httpx client, or the in-process one of FastAPI.
    """

    def __init__(self, client, link):
        self.client = client
        answer = client.get(link, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        page = client.get(answer.headers["Location"])
        assert page.status_code == 200, page.text
        self.headers = {HEADER: re.search(r'name="csrf-token" content="([^"]+)"', page.text)[1]}

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, content, **options):
        return self.client.post(path, json=content, headers=self.headers, **options)

    def put(self, path, content):
        return self.client.put(path, json=content, headers=self.headers)

    def me(self):
        return _content(self.get("/api/me"))

    def next(self):
        """The session to work on, None when there is nothing left."""
        return _content(self.post("/api/sessions", {}))["session"]

    def session(self, name):
        return _content(self.get(f"/api/sessions/{name}"))["session"]

    def send(self, name, *events):
        return self.post(f"/api/sessions/{name}/events", {"events": list(events)})

    def past_practice(self):
        """The first data set that counts; practice is declined."""
        session = self.next()
        if session["practice"]:
            _content(self.send(session["id"], event(len(session["events"]), "decline")))
            session = self.next()
        return session

    def work(self, session, judge, sent=None):
        """Answer one by one until the order is confirmed; the acknowledged events, which are added to `sent`."""
        sent = [] if sent is None else sent
        plan, events = Plan.from_record(session["plan"]), list(session["events"])
        while True:
            done = next_event(plan, events, judge)
            if done is None:
                return sent
            answer = self.send(session["id"], done)
            assert answer.status_code == 200, answer.text
            events.append(done)
            sent.append(done)


def event(step, kind, body=None, client_id=None):
    """An event as the page sends it."""
    return {
        "client_id": client_id or str(uuid4()),
        "step": step,
        "kind": kind,
        "body": body or {},
        "took_ms": 1500,
        "at": "2026-02-03T04:05:06.789Z",
    }


def state_of(session):
    """Where a session stands, from what the server says of it."""
    events = [Event(each["step"], each["kind"], each["body"]) for each in session["events"]]
    return replay(Plan.from_record(session["plan"]), events)


def next_event(plan, events, judge):
    """What an assessor does next who prefers the item of lower judge(item); None when the session is closed."""
    state = replay(plan, [Event(each["step"], each["kind"], each["body"]) for each in events])
    if state.question is not None:
        left, right = state.question.left, state.question.right
        verdict = "left" if judge(left) < judge(right) else "right"
        return event(len(events), "answer", {"left": left, "right": right, "verdict": verdict})
    if state.stage == "arrange":
        return event(len(events), "finish", {"ranks": state.ranks.tolist()})
    return None


def read_picture(content):
    """(header, x (n,), y (n,), colors (rows, n)) of the bytes that the page draws."""
    length = int.from_bytes(content[:4], "little")
    header = json.loads(content[4 : 4 + length])
    n, rows = header["n"], header["rows"]
    assert (4 + length) % 8 == 0
    assert len(content) == 4 + length + 8 * n + 2 * rows * n
    points = np.frombuffer(content, "<f4", 2 * n, offset=4 + length).reshape(2, n)
    colors = np.frombuffer(content, "<i2", rows * n, offset=4 + length + 8 * n).reshape(rows, n)
    return header, *points, colors


@dataclass
class Server:
    """A server on a socket that outlives it: who connects while it is down waits until it is up again."""

    listening: socket.socket
    settings: dict
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def start(self):
        descriptor = self.listening.fileno()
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(descriptor), json.dumps(self.settings | {"base_url": self.url})],
            pass_fds=[descriptor],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def kill(self):
        """As the power goes: nothing is flushed, nobody is told."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serve(corpus, **settings):
    """A server for the corpus; settings are those of `create_app`, limits as a dictionary."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        server = Server(listening, {"corpus": str(corpus), "secret": SECRET, "admin_token": TOKEN} | settings)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _content(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def _main(descriptor, settings):
    import uvicorn

    from corpus.app.security import Limits
    from corpus.app.server import create_app

    limits = Limits(**settings.pop("limits", {}))
    app = create_app(settings.pop("corpus"), limits=limits, **settings)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    _main(int(sys.argv[1]), json.loads(sys.argv[2]))
