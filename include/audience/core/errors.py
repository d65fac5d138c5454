"""Every error this package raises on purpose.

    AudienceError
    |-- SettingsError           the environment is incomplete or wrong
    |-- DeclarationError        a declaration (table, source, segment, connection) is wrong: place, found, expected
    |   `-- InvalidSegment      every problem of one segment file (audience.segments.parse)
    |-- PartitionError          a run has no partition, or not a day
    |-- LakeError
    |   |-- NotPublished        a table has no published partition where one is needed
    |   `-- NotOfTheTable       rows do not have the columns the table declares
    |-- SourceError
    |   |-- SourceUnavailable   no answer, 429 or 5xx after all retries: worth another try later
    |   |-- SourceRefused       401 or 403: the credentials are wrong, another try cannot help
    |   `-- SourceReplyInvalid  the answer is not what the API documents: truncated, changed, outside the window
    |-- AuditFailed             a gate found a table that must not be published
    |-- ModelError              there is not enough history to learn from, or no model where one is needed
    |-- KeysChanged             the pseudonym key was rotated while this ran: running it again takes the new one
    |-- PushError
    |   |-- LeaseLost           another run holds the destination: this one must stop at once
    |   |-- AnswerOutdated      somebody said no since the gate was asked about a batch: it is not told
    |   |-- StillRunning        the platform has not done yet what it accepted: come back later
    |   |-- PushHeld            the change is too large or the data too old: a person has to decide
    |   |-- DestinationUnavailable   no answer, 429 or 5xx after all retries
    |   `-- DestinationRefused  the platform refused the credentials or the request as a whole
    |-- AlertNotSent            a channel did not take a message: it gets it the next time
    `-- ConsentMissing          something tried to send without passing the gate

No message carries personal data or a secret: it names the place, what was found and what was expected.
"""

from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches


class AudienceError(Exception):
    """Base of everything raised on purpose; catching it never hides a programming error."""


class SettingsError(AudienceError):
    """The environment is incomplete or wrong."""


class DeclarationError(AudienceError):
    """A declaration is wrong.

    Args:
        place: where, as a reader would point at it: `vip.yaml: members.all[0]`.
        problem: what was found and what was expected.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


class KeysChanged(AudienceError):
    """The pseudonym key was rotated while a step ran; nothing was written."""


class PartitionError(AudienceError):
    """A run has no partition, or its key is not a day."""


class LakeError(AudienceError):
    """The lake cannot give or take a partition."""


class NotPublished(LakeError):
    """A table has no published partition where one is needed."""


class NotOfTheTable(LakeError):
    """Rows do not have the columns the table declares."""


class SourceError(AudienceError):
    """A source system could not be read."""


class SourceUnavailable(SourceError):
    """No answer, 429 or 5xx after all retries: worth another try later."""


class SourceRefused(SourceError):
    """401 or 403: the credentials are wrong, another try cannot help."""


class SourceReplyInvalid(SourceError):
    """The answer is not what the API documents: truncated, changed, outside the window."""


class SchemaChanged(SourceError):
    """Most records of a stream differ from what its source file declares: another try cannot help."""


class AuditFailed(AudienceError):
    """A gate found a table that must not be published."""


class ModelError(AudienceError):
    """There is not enough history to learn from, or no model where one is needed."""


class PushError(AudienceError):
    """A destination could not be brought to the desired state."""


class LeaseLost(PushError):
    """Another run holds the destination: this one must stop at once."""


class AnswerOutdated(PushError):
    """Somebody of a batch said no since the gate was asked: the batch is not told, and the gate is asked again."""


class StillRunning(PushError):
    """The platform has not done yet what it accepted: nothing is wrong, and somebody has to come back later.

    Args:
        seconds: until a look is worth it.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class PushHeld(PushError):
    """The change is too large or the data too old: nothing was sent, a person has to decide.

    Args:
        plan_id: the plan that was held; None when there was not even one.
        as_of: its partition.
    """

    def __init__(self, message: str, plan_id: int | None = None, as_of: date | None = None) -> None:
        super().__init__(message)
        self.plan_id, self.as_of = plan_id, as_of


class DestinationUnavailable(PushError):
    """No answer, 429 or 5xx after all retries: worth another try later."""


class DestinationRefused(PushError):
    """The platform refused the credentials or the request as a whole."""


class AlertNotSent(AudienceError):
    """A channel did not take a message."""


class ConsentMissing(AudienceError):
    """Something tried to send without passing the gate."""


def nearest(found: str, known: Iterable[str]) -> str:
    """`; did you mean 'recency_days'?` when a known name is close to the found one, else the known names."""
    names = sorted(known)
    close = get_close_matches(found, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
