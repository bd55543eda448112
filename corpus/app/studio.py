"""What all routes share: the corpus, the book of sessions, the drawings, the settings; and who is given what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from threading import Lock

from starlette.requests import Request

from corpus.app.assignment import next_key
from corpus.app.drawing import seed_of
from corpus.app.links import origin, require_secret
from corpus.app.pictures import Pictures
from corpus.app.security import Limits, Rates
from corpus.manifest import Manifest
from corpus.orders import Key
from corpus.protocols import make_plan
from corpus.sessions import PRACTICE, Invitation, Session, SessionBook
from corpus.store import CorpusStore
from gamac_meta.exceptions import InvalidInputError

PACE_SESSIONS = 3  # the last ones tell how fast somebody answers
DOORS = 64


class Studio:
    """One corpus and its assessors.

    corpus: its directory, only read. db: database of the answers, the corpus's own by default. wanted: how many
    assessors should judge a data set before another comes next. indices: places in the corpus that are served, all
    by default.
    """

    def __init__(
        self,
        corpus: Path,
        *,
        db: str | None,
        secret: str,
        admin_token: str | None,
        base_url: str,
        wanted: int,
        indices: Sequence[int] | None,
        limits: Limits,
    ) -> None:
        if wanted < 1:
            raise InvalidInputError(f"wanted must be at least 1 assessor, got {wanted}")
        self.secret = require_secret(secret)
        self.admin_token = admin_token or None
        self.origin = origin(base_url)
        self.corpus = Path(corpus)
        self.wanted = wanted
        self.limits = limits
        self.rates = Rates(limits)
        store = CorpusStore(self.corpus, db)
        self.places = _places(store, indices)
        self.pictures = Pictures(store, self.places)
        self.book = SessionBook(store.orders_place)
        self._doors = [Lock() for _ in range(DOORS)]

    @property
    def secure(self) -> bool:
        """Whether assessors come by https."""
        return self.origin.startswith("https:")

    def close(self) -> None:
        """Let go of the database."""
        self.book.close()

    def history(self, assessor: str) -> tuple[Session | None, tuple[Session, ...]]:
        """The assessor's practice, once it was begun; and the sessions on this corpus, the first opened first."""
        known = self.book.sessions(assessor)
        practice = next((session for session in known if session.key == PRACTICE), None)
        return practice, tuple(session for session in known if session.key in self.places)

    def current(self, invitation: Invitation, after: str | None = None) -> Session | None:
        """The session to go on with: practice, one that is open, or a new one; None when there is nothing to do.

        after: id of a session that counts as closed. So the page fetches the next one while the last is worked on;
        more than two are never open.
        """
        # two tabs ask at once: the second finds what the first has opened
        with self._doors[seed_of(invitation.assessor) % DOORS]:
            practice, mine = self.history(invitation.assessor)
            if practice is None:
                return self._open(invitation, PRACTICE)
            if practice.status == "open" and practice.id != after:
                return practice
            begun = next((session for session in mine if session.status == "open" and session.id != after), None)
            if begun is not None:
                return begun
            if len(mine) >= invitation.quota:
                return None
            # orders may have come from elsewhere, too
            had = {session.key for session in mine} | self.book.orders.ranked_by(invitation.assessor)
            key = next_key(invitation.assessor, tuple(self.places), had, self.judged(), self.wanted)
            return None if key is None else self._open(invitation, key)

    def judged(self) -> Mapping[Key, int]:
        """How many assessors work on each data set or have finished it."""
        return {key: counts["open"] + counts["finished"] for key, counts in self.book.activity().items()}

    def pace(self, sessions: Sequence[Session]) -> float | None:
        """Median seconds from a question to its answer, over the last of one assessor's sessions."""
        times = [
            stored.took_ms
            for session in sessions[-PACE_SESSIONS:]
            for stored in self.book.events(session.id)
            if stored.event.kind == "answer" and stored.took_ms is not None
        ]
        return median(times) / 1000 if times else None

    def _open(self, invitation: Invitation, key: Key) -> Session:
        items = len(self.pictures[key].colors)
        # of the secret too, so that nobody can tell beforehand what somebody else will be asked
        seed = seed_of(self.secret, invitation.assessor, *key)
        if key == PRACTICE:
            plan = make_plan(invitation.protocol, items, seed, repeats=0.0, attention=0)
        else:
            plan = make_plan(invitation.protocol, items, seed)
        return self.book.open(invitation.assessor, key, plan)


async def studio_of(request: Request) -> Studio:
    """The studio that a request came to."""
    # asynchronous, as all that waits for nothing: the framework gives what is not a thread
    studio = request.app.state.studio
    assert isinstance(studio, Studio)
    return studio


def _places(store: CorpusStore, indices: Sequence[int] | None) -> dict[Key, int]:
    listed = Manifest.load(store.directory).entries
    if not listed:
        raise InvalidInputError(f"the studio needs a corpus with data sets, got none in {store.directory}")
    served = sorted(listed) if indices is None else list(indices)
    unknown = [index for index in served if index not in listed]
    if unknown or not served:
        raise InvalidInputError(
            f"indices must be among the {len(listed)} data sets of {store.directory}, got {unknown[:10]}"
        )
    return {(listed[index].dataset, listed[index].candidates): index for index in served}
