"""A hundred simulated assessors at once in the studio, answering as fast as people do.

    python benchmarks/studio_load.py [--assessors 100] [--seconds 60] [--pace 5] [--db URL] [--corpus DIR] [--points N]

Starts the studio as `gamac-meta assess serve` does, on a loopback port and a corpus of its own (or a copy of the one
given), invites the assessors, and lets each join by link, load pictures and answer practice and data sets: a pause
of --pace seconds in the median before each answer, log-normal. Printed: how long each kind of request took, how many
failed, what share of two cores the server took; then every acknowledged answer is looked up in the database, where
it must be exactly once, and the orders of finished data sets must follow from their events.

--db: PostgreSQL, for instance (default: SQLite in the corpus).
Exit status 1 where a request failed, an answer is missing or the 99th percentile is not below 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np

from corpus.build import build
from corpus.protocols import replay
from corpus.sessions import PRACTICE, SessionBook
from corpus.store import CorpusStore

DATASETS = 24
LIMIT = 0.2  # seconds, of the 99th percentile
COMMAND = [sys.executable, "-m", "gamac_meta.cli", "assess"]


class Assessor:
    """One simulated assessor; what the server acknowledged is kept for the check at the end."""

    def __init__(self, number: int, link: str, pace: float) -> None:
        self.rng = np.random.default_rng(number)
        self.link = link
        self.pace = pace
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.failures: Counter[str] = Counter()
        self.acknowledged: dict[str, str] = {}  # client id -> session

    async def work(self, until: float) -> None:
        """Join, and answer until the time is over or nothing is left."""
        # certificates would be loaded for each, and are not needed on a loopback address
        async with httpx.AsyncClient(timeout=60.0, verify=False) as client:
            await asyncio.sleep(self.rng.uniform(0.0, min(5.0, self.pace)))
            page = await self.request(client, "join", "GET", self.link, follow_redirects=True)
            token = re.search(r'name="csrf-token" content="([^"]+)"', page.text) if page else None
            if token is None:
                self.failures["no page"] += 1
                return
            client.headers["X-CSRF-Token"] = token.group(1)
            client.base_url = page.url.join("/")
            while time.monotonic() < until:
                opened = await self.request(client, "open", "POST", "/api/sessions", json={})
                session = opened.json()["session"] if opened else None
                if session is None:
                    return
                await self.request(client, "picture", "GET", f"/api/sessions/{session['id']}/picture")
                await self.judge(client, session, until)

    async def judge(self, client: httpx.AsyncClient, session: dict, until: float) -> None:
        """One data set, by a taste for items of low number and noise."""
        step = len(session["events"])
        state = None
        while time.monotonic() < until:
            if state is None:
                event = self.first_event(session)
            elif state["stage"] == "compare":
                event = self.answer(state["question"])
            elif state["stage"] == "arrange":
                event = {"kind": "finish", "body": {"ranks": state["ranks"]}}
            else:
                return
            await asyncio.sleep(self.pace * self.rng.lognormal(0.0, 0.5))
            event |= {"client_id": str(uuid4()), "step": step, "took_ms": 1000, "at": None}
            sent = await self.request(
                client, "answer", "POST", f"/api/sessions/{session['id']}/events", json={"events": [event]}
            )
            if sent is None:
                return
            self.acknowledged[event["client_id"]] = session["id"]
            step, state = sent.json()["steps"], sent.json()["state"]

    def first_event(self, session: dict) -> dict:
        """The page knows the first question from the plan."""
        from corpus.protocols import Event, Plan

        events = [Event(event["step"], event["kind"], event["body"]) for event in session["events"]]
        state = replay(Plan.from_record(session["plan"]), events).to_record()
        if state["stage"] == "arrange":
            return {"kind": "finish", "body": {"ranks": state["ranks"]}}
        return self.answer(state["question"])

    def answer(self, question: dict) -> dict:
        """Mostly the item of lower number; sometimes a tie or a skip."""
        ahead = question["left"] + self.rng.normal() * 3 < question["right"]
        verdict = self.rng.choice(["tie", "skip", "left" if ahead else "right"], p=[0.06, 0.02, 0.92])
        return {
            "kind": "answer",
            "body": {"left": question["left"], "right": question["right"], "verdict": str(verdict)},
        }

    async def request(self, client: httpx.AsyncClient, what: str, method: str, url: str, **options):
        """The response, or None where the request failed; its time is noted."""
        start = time.perf_counter()
        try:
            response = await client.request(method, url, **options)
        except httpx.HTTPError as error:
            self.failures[f"{what}: {type(error).__name__}"] += 1
            return None
        self.taken[what].append(time.perf_counter() - start)
        if response.status_code >= 400:
            self.failures[f"{what}: {response.status_code}"] += 1
            return None
        return response


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(arguments: list[str], port: int) -> subprocess.Popen:
    """The studio, once it answers."""
    server = subprocess.Popen([*COMMAND, "serve", *arguments, "--port", str(port)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"the studio ended with status {server.returncode}")
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=5.0).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return server
    server.kill()
    raise SystemExit("the studio did not answer within 90 seconds")


def invited(arguments: list[str], port: int, count: int) -> list[str]:
    """A link for each assessor."""
    names = [f"load-{number:03d}" for number in range(count)]
    done = subprocess.run(
        [*COMMAND, "invite", *names, *arguments, "--url", f"http://127.0.0.1:{port}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.split("\t")[1] for line in done.stdout.splitlines()]


def check(place: str | Path, assessors: list[Assessor]) -> list[str]:
    """What is wrong with what is stored, in lines."""
    wrong = []
    stored: Counter[str] = Counter()
    with SessionBook(place) as book:
        for session in book.sessions():
            events = book.events(session.id)
            stored.update(event.client_id for event in events)
            state = replay(session.plan, [event.event for event in events])
            if (state.stage == "finished") != (session.status == "finished"):
                wrong.append(f"session {session.id} is {session.status}, its events say {state.stage}")
            if session.status == "finished" and session.key != PRACTICE:
                orders = book.orders.read([session.key])[session.key]
                mine = [order.ranks.tolist() for order in orders if order.assessor == session.assessor]
                if mine != [state.final.tolist()]:
                    wrong.append(f"the order of session {session.id} does not follow from its events")
    for assessor in assessors:
        wrong += [
            f"answer {client_id} of session {session} is stored {stored[client_id]} times"
            for client_id, session in assessor.acknowledged.items()
            if stored[client_id] != 1
        ]
    return wrong


async def crowd(assessors: list[Assessor], seconds: float) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(*(assessor.work(until) for assessor in assessors))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assessors", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pace", type=float, default=5.0)
    parser.add_argument("--db")
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    os.environ.setdefault("GAMAC_META_STUDIO_SECRET", secrets.token_urlsafe(32))
    try:
        corpus = folder / "corpus"
        if options.corpus:
            shutil.copytree(options.corpus, corpus)
        else:
            build(corpus, datasets=DATASETS, seed=1, n_jobs=2, assessors=1)
        arguments = ["--corpus", str(corpus), *(["--db", options.db] if options.db else [])]
        port = free_port()
        links = invited(arguments, port, options.assessors)
        server = started(arguments, port)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assessors = [Assessor(number, link, options.pace) for number, link in enumerate(links)]
        start = time.perf_counter()
        asyncio.run(crowd(assessors, options.seconds))
        wall = time.perf_counter() - start
        server.terminate()
        server.wait(timeout=30)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        with CorpusStore(corpus, options.db) as store:
            wrong = check(store.orders_place, assessors)
    finally:
        shutil.rmtree(folder)
    kind = "PostgreSQL" if options.db and options.db.startswith("postgresql") else "SQLite"
    print(
        f"{options.assessors} simulated assessors for {wall:.0f} s on {kind}, an answer after {options.pace:g} s in "
        f"the median; the server took {spent:.1f} CPU-s, {spent / wall:.0%} of a core"
    )
    taken = {what: np.concatenate([a.taken[what] for a in assessors if a.taken[what]]) * 1000 for what in
             sorted({what for a in assessors for what in a.taken})}  # fmt: skip
    print(f"{'milliseconds':14s}{'requests':>9s}{'median':>8s}{'p95':>8s}{'p99':>8s}{'max':>8s}")
    for what, times in taken.items():
        figures = "".join(f"{value:8.1f}" for value in (*np.percentile(times, (50, 95, 99)), times.max()))
        print(f"{what:14s}{times.size:9d}{figures}")
    slow = [what for what, times in taken.items() if np.percentile(times, 99) >= LIMIT * 1000]
    failures = sum((assessor.failures for assessor in assessors), Counter())
    print(f"failed: {dict(failures) or 'none'}; over {LIMIT * 1000:.0f} ms at p99: {', '.join(slow) or 'none'}")
    acknowledged = sum(len(assessor.acknowledged) for assessor in assessors)
    verdict = "; ".join(wrong) or "each is stored exactly once, orders follow from events"
    print(f"{acknowledged} answers acknowledged; {verdict}")
    return 1 if failures or wrong or slow else 0


if __name__ == "__main__":
    sys.exit(main())
