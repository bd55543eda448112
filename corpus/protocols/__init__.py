"""Which two candidates an assessor is asked to compare next, and what order the answers give.

Pure: a plan, made once from a seed, and the events of a session determine everything else. The page
has a twin of this package, corpus/app/static/protocol.js, so that a session goes on without the server.
"""

from corpus.protocols.events import VERDICTS, Answer, Event, Question
from corpus.protocols.plans import PROTOCOLS, Plan, make_plan
from corpus.protocols.states import State, replay
from gamac_meta.exceptions import UnexpectedEventError

__all__ = [
    "PROTOCOLS",
    "VERDICTS",
    "Answer",
    "Event",
    "Plan",
    "Question",
    "State",
    "UnexpectedEventError",
    "make_plan",
    "replay",
]
