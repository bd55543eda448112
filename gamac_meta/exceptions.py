"""Every error a user can meet. One line each: the rule, then the value that broke it."""


class GamacMetaError(Exception):
    """Base of all errors raised on purpose by this project."""


class InvalidInputError(GamacMetaError, ValueError):
    """Data, partitions or options that break a stated rule."""


class UnknownNameError(InvalidInputError, KeyError):
    """A name that a registry does not hold; the message suggests near misses."""

    # KeyError would print the repr of the message
    __str__ = Exception.__str__


class UnexpectedEventError(InvalidInputError):
    """Something an assessor did that does not fit where the session stands."""


class BackendUnavailableError(GamacMetaError, RuntimeError):
    """A backend was asked for by name and cannot be used here."""


class UndefinedMeasureError(GamacMetaError):
    """Raised inside a measure's formula where it has no value; becomes NaN with this reason."""


class ModelError(GamacMetaError):
    """A model file that is missing, damaged, or of another schema."""


class PromotionRefusedError(ModelError):
    """A new model that would take the place of a better one; `report` has all figures, the message those against it."""

    def __init__(self, message: str, report: str = "") -> None:
        super().__init__(message)
        self.report = report


class CorpusError(GamacMetaError):
    """A corpus directory that is missing, damaged, or of another version."""


class StorageFullError(CorpusError):
    """The disk had no room; what was stored before is intact."""


class SearchError(GamacMetaError, RuntimeError):
    """A search in which no trial gave a partition; the message names the first cause."""
