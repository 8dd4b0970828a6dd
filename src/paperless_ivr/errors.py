"""What can go wrong by somebody's fault. What a caller or a service may do is an event.

::

    PaperlessIVRError
    ├── FlowError                  the flow was driven wrongly (flow.errors)
    │   ├── UnexpectedEvent        this cannot happen in this state
    │   └── CallFinished           the call has ended; only a hang-up may still come
    ├── Problems                   a set-up cannot be used; names every problem at once
    │   ├── PolicyProblems         a policy
    │   ├── ConnectionProblems     a connection to a service, or its WSDL
    │   │   └── WsdlAway           the address of the WSDL gave none; it may later
    │   ├── FlowProblems           a table, or a policy for it
    │   ├── WordsProblems          wording
    │   ├── GatewayProblems        a gateway, for a flow
    │   ├── HostProblems           what a host hands over, or is handed back
    │   └── TranscriptProblems     a transcript
    ├── SavedCallError             a saved call, or a value of one, cannot be read
    │   ├── OtherSchema            it was saved in another form than this version reads
    │   └── BrokenCall             it is not a saved call
    ├── Rejected                   a web request is not what it has to be
    └── StoreError                 a store of calls or the record
        ├── RecordDown             it did not answer, or could not keep something
        │   └── RecordBusy         it was not asked: too many of ours ask at once
        ├── UnknownCall            there is no such call
        ├── StaleCall              somebody else moved the call first
        ├── StaleClaim             somebody else has what was claimed, or it is done
        ├── WrongRevision          the tables of a database are not those of this version
        │   ├── OlderDatabase      they are older; upgrade them
        │   └── UnknownDatabase    they are newer, or another program's
        ├── NoRecord               nothing was ever recorded there
        ├── KeyProblem             the keys of a vault cannot be used
        └── SealBroken             a vault cannot open what is stored
"""

from collections.abc import Sequence


class PaperlessIVRError(Exception):
    """The root of all errors of this library."""


class Problems(PaperlessIVRError):
    """Several problems at once, each a line that says what to do."""

    def __init__(self, title: str, problems: Sequence[str]) -> None:
        super().__init__(title, tuple(problems))
        self.title = title
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([f"{self.title}:", *(f"  - {problem}" for problem in self.problems)])


class PolicyProblems(Problems):
    """A policy cannot be used."""


class ConnectionProblems(Problems):
    """A connection to a billing service, or the service's WSDL, cannot be used."""


class WsdlAway(ConnectionProblems):
    """The address of a WSDL did not give one. It may be there later: the service is down."""


class FlowProblems(Problems):
    """A table, or a policy for it, cannot be used."""


class WordsProblems(Problems):
    """Wording cannot be used: a prompt is missing, or names a gap that nothing fills."""


class GatewayProblems(Problems):
    """A gateway cannot run a flow, or lacks what it is to play."""


class HostProblems(Problems):
    """An arrival or a hand-back, as strings, cannot be read.

    Each problem begins with the name of its field and a colon. Values are not shown: they may be
    personal.
    """


class TranscriptProblems(Problems):
    """A transcript cannot be read."""


class SavedCallError(PaperlessIVRError):
    """A saved call, or a value of one, cannot be read."""


class OtherSchema(SavedCallError):
    """It was saved in another form than this version of the library reads."""

    def __init__(self, found: object, known: int) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return f"it was saved in form {self.found!r}; this version reads form {self.known}"


class BrokenCall(SavedCallError):
    """What was saved is not what it should be. Its content is not shown: it may be personal."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return f"not what was saved: {self.where}"


class Rejected(PaperlessIVRError):
    """A web request is forged, broken, or answers what was not asked. It changes nothing.

    `status` is the HTTP status that it gets; `why` never holds what stood in the request.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why

    def __str__(self) -> str:
        return f"{self.why} ({self.status})"


class StoreError(PaperlessIVRError):
    """A store of calls, or the record, cannot do what it was asked."""


class RecordDown(StoreError):
    """The record did not answer, or could not keep something.

    `cause` is logged: names of classes and codes, never what was asked or answered.
    """

    def __init__(self, *told: object, cause: str = "") -> None:
        super().__init__(*told, *([cause] if cause else []))
        self.cause = cause


class RecordBusy(RecordDown):
    """The record was not asked: too many of this process ask at once."""


class UnknownCall(StoreError):
    """There is no such call."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id

    def __str__(self) -> str:
        return f"no call {self.call_id!r} is live"


class StaleCall(StoreError):
    """Somebody else moved the call first."""

    def __init__(self, call_id: str, turn: int | None) -> None:
        super().__init__(call_id, turn)
        self.call_id = call_id
        self.turn = turn

    def __str__(self) -> str:
        return f"call {self.call_id!r} is no longer at turn {self.turn}"


class StaleClaim(StoreError):
    """Somebody else has what was claimed, or it is done."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key!r} is claimed by somebody else, or done"


class WrongRevision(StoreError):
    """The tables of a database are not those of this version of the library."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known


class OlderDatabase(WrongRevision):
    """The tables are of an earlier version of the library."""

    def __str__(self) -> str:
        return (
            f"the tables are of revision {self.found}, and this version needs {self.known}; "
            "run: paperless-ivr record upgrade"
        )


class UnknownDatabase(WrongRevision):
    """The tables are of a later version of the library, or of another program."""

    def __str__(self) -> str:
        return (
            f"the tables are of revision {self.found}, which this version does not know; "
            f"it knows {self.known}: install a later version of paperless-ivr"
        )


class NoRecord(StoreError):
    """Nothing was ever recorded in a database."""

    def __str__(self) -> str:
        return "there is no record in that database; the first call on it makes one"


class StillOpen(StoreError):
    """Something of a person is under way, so that nothing can be erased yet."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"nothing was removed: {self.what}"


class KeyProblem(StoreError):
    """The keys of a vault cannot be used. Says which and what to do, never the key."""


class SealBroken(StoreError):
    """A vault cannot open what is stored: its key is missing, or it was changed."""
