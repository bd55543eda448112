"""Assessors who judge at random: for tests, and as a program for the processes that tests start and kill.

python tests/assessing.py WHAT PLACE SEED [...] runs one of PROGRAMS.
"""

import json
import os
import signal
import sys
import time
from itertools import count
from pathlib import Path
from uuid import UUID

import numpy as np

from corpus.protocols import Event, make_plan, replay
from corpus.sessions import SessionBook, Submission


def next_event(state, step, rng):
    """What comes next, mostly answers, at times an undo; None where nothing can."""
    if state.stage in ("finished", "declined"):
        return None
    if state.answers and rng.random() < 0.08:
        return Event(step, "undo", {})
    if state.stage == "arrange":
        return Event(step, "finish", {"ranks": (rng.permutation(state.plan.items) + 1.0).tolist()})
    question = state.question
    verdict = str(rng.choice(["left", "right", "tie", "skip"], p=[0.45, 0.45, 0.05, 0.05]))
    return Event(step, "answer", {"left": question.left, "right": question.right, "verdict": verdict})


def submitted(event, rng):
    """The event, with an id of its own."""
    return Submission(str(UUID(bytes=rng.bytes(16), version=4)), event, int(rng.integers(0, 9000)), "2026-01-01T00:00Z")


def batch(plan, stored, rng, size=1):
    """Up to so many submissions that may follow what is stored."""
    events = [each.event for each in stored]
    new = []
    while len(new) < size:
        event = next_event(replay(plan, events), len(events), rng)
        if event is None:
            break
        events.append(event)
        new.append(submitted(event, rng))
    return new


def work(book, session, rng):
    """Go on with a session to its end."""
    while submissions := batch(session.plan, book.events(session.id), rng):
        book.append(session.id, submissions)


def say(*words):
    """A line that no other process breaks."""
    os.write(sys.stdout.fileno(), (json.dumps(words) + "\n").encode())


def open_at_once(place, _):
    """Open the database when told."""
    say("ready")
    sys.stdin.readline()
    SessionBook(place).close()


def assess(place, seed, assessors, datasets):
    """So many assessors, each in a process, order the candidates of so many data sets at the same time."""
    processes = []
    for number in range(int(assessors)):
        process = os.fork()
        if process == 0:
            with SessionBook(place) as book:
                for dataset in range(int(datasets)):
                    plan = make_plan("binary_insertion", 4, number)
                    session = book.open(f"assessor-{number}", (f"data-{dataset}", "candidates"), plan)
                    work(book, session, np.random.default_rng([int(seed), number, dataset]))
            os._exit(0)
        processes.append(process)
    for process in processes:
        assert os.waitpid(process, 0)[1] == 0


def race(place, seed, session_id):
    """Whenever told, answer the question that is asked, and say whether that was stored."""
    from gamac_meta.exceptions import UnexpectedEventError

    rng = np.random.default_rng(int(seed))
    with SessionBook(place) as book:
        plan = book.session(session_id).plan
        say("ready")
        for line in sys.stdin:
            state = replay(plan, [each.event for each in book.events(session_id)])
            (submission,) = [submitted(next_event(state, int(line), rng), rng)]
            say("set")
            sys.stdin.readline()
            try:
                book.append(session_id, [submission])
            except UnexpectedEventError:
                say("refused", submission.client_id)
            else:
                say("stored", submission.client_id)


def be_killed(place, seed, kills):
    """Processes that write for ever, one after the other, each killed at a random moment; repeats what they said."""
    rng = np.random.default_rng(int(seed))
    for life in range(int(kills)):
        said, saying = os.pipe()
        process = os.fork()
        if process == 0:
            os.dup2(saying, sys.stdout.fileno())
            _write_for_ever(place, np.random.default_rng([int(seed), life]))
        os.close(saying)
        with os.fdopen(said) as lines:
            for _ in range(2 * int(rng.integers(1, 6))):
                sys.stdout.write(lines.readline())
            time.sleep(rng.uniform(0, 0.02))
            os.kill(process, signal.SIGKILL)
            sys.stdout.write(lines.read())
        sys.stdout.flush()
        os.waitpid(process, 0)


def _write_for_ever(place, rng):
    book = SessionBook(place)
    for dataset in count():
        session = book.open("heron", (f"data-{dataset}", "candidates"), make_plan("binary_insertion", 4, dataset))
        while submissions := batch(session.plan, book.events(session.id), rng, int(rng.integers(1, 6))):
            ids = [each.client_id for each in submissions]
            say("sends", session.id, ids)
            book.append(session.id, submissions)
            say("stored", session.id, ids)


PROGRAMS = {"open": open_at_once, "assess": assess, "race": race, "be killed": be_killed}

if __name__ == "__main__":
    what, where, *rest = sys.argv[1:]
    PROGRAMS[what](where if "://" in where else Path(where), *rest)
