"""What comes in and goes out, with the bounds of each value; the OpenAPI document is made from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from corpus.protocols import Event, State
from corpus.sessions import Session, StoredEvent, Submission

MOST_EVENTS = 500  # of one request
MOST_ITEMS = 1000
LONGEST_ANSWER = 7 * 24 * 3600 * 1000  # milliseconds; a page may stay open over a weekend
# printable Latin and Cyrillic with single spaces; other scripts are invited from the command line
NAME = r"^[!-~À-ÿЀ-ӿ]+( [!-~À-ÿЀ-ӿ]+)*$"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIME = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


def _whole(value: object) -> object:
    """2.0 is a whole number in JSON, and so it is here."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Language = Literal["en", "ru"]
Protocol = Literal["binary_insertion", "bradley_terry"]
Status = Literal["open", "finished", "declined"]
ClientId = Annotated[str, Field(pattern=UUID, min_length=36, max_length=36)]
WHOLE = BeforeValidator(_whole)
Item = Annotated[int, Field(ge=0, le=MOST_ITEMS), WHOLE]
Step = Annotated[int, Field(ge=0, le=1_000_000), WHOLE]
Rank = Annotated[float, Field(ge=1, le=MOST_ITEMS)]


class Incoming(BaseModel):
    """Strict: no text is taken for a number, nothing unknown is passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Nothing(Incoming):
    """An empty object."""


class LanguageChoice(Incoming):
    """The language an assessor wants."""

    language: Language


class AnswerBody(Incoming):
    """Two items and which of them is better."""

    left: Item
    right: Item
    verdict: Literal["left", "right", "tie", "skip"]


class FinishBody(Incoming):
    """The confirmed ranks, 1 is best, ties share the mean rank."""

    ranks: Annotated[list[Rank], Field(min_length=2, max_length=MOST_ITEMS)]


class Sent(Incoming):
    """What every event has."""

    client_id: ClientId
    step: Step
    took_ms: Annotated[int, Field(ge=0, le=LONGEST_ANSWER), WHOLE] | None = None
    at: Annotated[str, Field(pattern=TIME, max_length=40)] | None = None


class SentAnswer(Sent):
    """An answer to the question that is asked."""

    kind: Literal["answer"]
    body: AnswerBody


class SentUndo(Sent):
    """Takes back the last answer that stands."""

    kind: Literal["undo"]
    body: Nothing


class SentFinish(Sent):
    """Confirms the order."""

    kind: Literal["finish"]
    body: FinishBody


class SentDecline(Sent):
    """This data set cannot be judged."""

    kind: Literal["decline"]
    body: Nothing


EXAMPLE: JsonDict = {
    "client_id": "b1946ac9-2f4e-4f6b-9d0c-1f6f0c1e7a55",
    "step": 0,
    "kind": "decline",
    "body": {},
    "took_ms": 2300,
    "at": "2026-02-03T04:05:06.789Z",
}
SentEvent = Annotated[SentAnswer | SentUndo | SentFinish | SentDecline, Field(discriminator="kind")]


class SentEvents(Incoming):
    """Events in the sequence of their steps; those the server has already are left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": [EXAMPLE]}]})

    events: Annotated[list[SentEvent], Field(min_length=1, max_length=MOST_EVENTS)]

    def submissions(self) -> list[Submission]:
        """For the book of sessions."""
        return [
            Submission(sent.client_id, Event(sent.step, sent.kind, sent.body.model_dump()), sent.took_ms, sent.at)
            for sent in self.events
        ]


class NewInvitation(Incoming):
    """Whom to invite."""

    assessor: Annotated[str, Field(min_length=1, max_length=60, pattern=NAME)]
    days: Annotated[int, Field(ge=1, le=3650), WHOLE] = 30
    quota: Annotated[int, Field(ge=1, le=100_000), WHOLE] = 20
    protocol: Protocol = "binary_insertion"
    language: Language = "en"


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok"]


class Me(BaseModel):
    """An assessor and how far they are."""

    assessor: str
    language: Language
    quota: int
    finished: int
    declined: int
    practiced: bool
    seconds_per_answer: float | None


class PlanView(BaseModel):
    """Everything that decides which question comes next, apart from the answers."""

    protocol: Protocol
    items: int
    order: list[int]
    sides: list[int]
    repeats: list[int]
    attention: list[int]
    decoy_of: int
    comparisons: int
    rules: int


class EventView(BaseModel):
    """A stored event."""

    client_id: str
    step: int
    kind: Literal["answer", "undo", "finish", "decline"]
    body: dict[str, Any]

    @classmethod
    def of(cls, stored: StoredEvent) -> EventView:
        """What the page needs of it."""
        event = stored.event
        return cls.model_validate(
            {"client_id": stored.client_id, "step": event.step, "kind": event.kind, "body": dict(event.body)}
        )


class SessionFacts(BaseModel):
    """One data set's session: the page rebuilds where it stands from the plan and the events."""

    id: str
    number: int  # of this assessor's data sets, from 1; 0 is practice
    quota: int
    practice: bool
    status: Status
    plan: PlanView
    events: list[EventView]
    practice_ranks: list[float] | None

    @classmethod
    def of(cls, session: Session, **facts: Any) -> SessionFacts:
        """From what is stored."""
        return cls.model_validate(
            {"id": session.id, "status": session.status, "plan": session.plan.to_record(), **facts}
        )


class SessionView(BaseModel):
    """The session to work on; null when there is nothing left to do."""

    session: SessionFacts | None


class QuestionView(BaseModel):
    """Two items to be compared."""

    left: int
    right: int
    purpose: str


class StateView(BaseModel):
    """Where a session stands."""

    stage: Literal["compare", "arrange", "finished", "declined"]
    question: QuestionView | None
    answered: int
    expected: int
    ranks: list[float]
    final: list[float] | None

    @classmethod
    def of(cls, state: State) -> StateView:
        """From the state."""
        return cls.model_validate(state.to_record())


class Stored(BaseModel):
    """How many events are stored in all, and where that leads."""

    steps: int
    state: StateView
