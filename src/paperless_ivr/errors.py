"""The library's errors. What a caller or a service does in a call becomes an event, not an error.

::

    PaperlessIVRError
    ├── FlowError                  a program uses a flow incorrectly (flow.errors)
    │   ├── UnexpectedEvent        the event cannot happen in this state
    │   └── CallFinished           the call has ended; only a hang-up is allowed
    ├── Problems                   an input cannot be used; lists its problems
    │   ├── PolicyProblems         a policy
    │   ├── ConnectionProblems     a connection to a service, or its WSDL
    │   │   └── WsdlAway           a WSDL could not be fetched; a later attempt may succeed
    │   ├── FlowProblems           a flow's table, or a policy for it
    │   ├── WordsProblems          wording
    │   ├── GatewayProblems        a gateway, its sounds, or the program that renders them
    │   ├── HostProblems           a hand-over or a hand-back
    │   └── TranscriptProblems     a transcript, or a call that cannot be written as one
    ├── SavedCallError             a saved call, or a value in one, cannot be read
    │   ├── OtherSchema            the call was saved in a format that this version cannot read
    │   └── BrokenCall             the saved data is not valid
    ├── Rejected                   a web request is forged, broken, or unexpected
    └── StoreError                 the store of calls, or the record, cannot do what was requested
        ├── RecordDown             the record did not answer, or could not save something
        │   └── RecordBusy         the record was not asked, because too many requests are waiting
        ├── UnknownCall            there is no such call
        ├── StaleCall              another worker advanced the call first
        ├── StaleClaim             an item is done, or another worker has claimed it
        ├── WrongRevision          a database's tables do not match this version
        │   ├── OlderDatabase      the tables are older or missing; upgrade them
        │   └── UnknownDatabase    the tables are newer, or belong to another program
        ├── NoRecord               a database contains no record
        ├── StillOpen              a person's call or request is in progress
        ├── KeyProblem             a vault's keys cannot be used
        └── SealBroken             a vault cannot open stored data
"""

from collections.abc import Sequence


class PaperlessIVRError(Exception):
    """The base class of the errors here and in `flow.errors`."""


class Problems(PaperlessIVRError):
    """A list of problems. Each is printed on its own line, with its remedy."""

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
    """A WSDL could not be fetched: no response, or a server error. A later attempt may succeed."""


class FlowProblems(Problems):
    """A flow's table, or a policy for it, cannot be used."""


class WordsProblems(Problems):
    """Wording cannot be used, for example because a prompt is missing or has an unknown gap."""


class GatewayProblems(Problems):
    """A gateway cannot run a flow or answer in time, or its sounds are missing or unusable."""


class HostProblems(Problems):
    """An arrival or a hand-back that was passed as strings cannot be read.

    Each problem begins with what it is about, such as the name of a field, and a colon. Values are
    not shown, because they may be personal data.
    """


class TranscriptProblems(Problems):
    """A transcript cannot be read or updated, or a call cannot be written as a transcript."""


class SavedCallError(PaperlessIVRError):
    """A saved call, or a value in one, cannot be read."""


class OtherSchema(SavedCallError):
    """The call was saved in a format that this version of the library cannot read."""

    def __init__(self, found: object, known: int) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return f"it was saved in format {self.found!r}; this version reads format {self.known}"


class BrokenCall(SavedCallError):
    """The saved data is not valid. Its content is not shown, because it may be personal data."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return f"the saved data is not valid: {self.where}"


class Rejected(PaperlessIVRError):
    """A web request is forged, broken, or unexpected.

    For example, it answers a question that was not asked. A rejected request changes nothing.
    `status` is the HTTP status of the reply. `why` never quotes the request.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why

    def __str__(self) -> str:
        return f"{self.why} ({self.status})"


class StoreError(PaperlessIVRError):
    """The store of calls, or the record, cannot do what was requested."""


class RecordDown(StoreError):
    """The record did not answer, or could not save something.

    `cause` is logged. It contains class names and codes, or a fixed phrase such as "too many at
    once", but never the query or its result.
    `in_doubt` means that a transaction may have been committed even though no answer came.
    """

    def __init__(self, *args: object, cause: str = "", in_doubt: bool = False) -> None:
        super().__init__(*args, *([cause] if cause else []))
        self.cause = cause
        self.in_doubt = in_doubt


class RecordBusy(RecordDown):
    """The record was not asked, because this process already has too many requests to it."""


class UnknownCall(StoreError):
    """There is no such call."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id

    def __str__(self) -> str:
        return f"no live call has the ID {self.call_id!r}"


class StaleCall(StoreError):
    """Another worker advanced the call first."""

    def __init__(self, call_id: str, turn: int | None) -> None:
        super().__init__(call_id, turn)
        self.call_id = call_id
        self.turn = turn

    def __str__(self) -> str:
        return f"call {self.call_id!r} is no longer at turn {self.turn}"


class StaleClaim(StoreError):
    """A work item is done, or another worker has claimed it."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key!r} is done, or claimed by another worker"


class WrongRevision(StoreError):
    """A database's tables do not match this version of the library."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known


class OlderDatabase(WrongRevision):
    """The tables are from an earlier version of the library, or none of them are the library's."""

    def __str__(self) -> str:
        return (
            f"the tables are at revision {self.found}, and this version needs {self.known}; "
            "run: paperless-ivr record upgrade"
        )


class UnknownDatabase(WrongRevision):
    """The tables are from a later version of the library, or from another program."""

    def __str__(self) -> str:
        return (
            f"the tables are at revision {self.found}, which this version does not know "
            f"(it needs {self.known}); install a later version of paperless-ivr"
        )


class NoRecord(StoreError):
    """A database contains no record."""

    def __str__(self) -> str:
        return (
            "there is no record in that database; the first server or call that uses it creates one"
        )


class StillOpen(StoreError):
    """A person's call or request is in progress, so nothing can be erased yet."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"nothing was removed: {self.what}"


class KeyProblem(StoreError):
    """A vault's keys cannot be used. The message explains the problem, but never contains a key."""


class SealBroken(StoreError):
    """A vault cannot open stored data, because its key is missing or the data was changed."""
