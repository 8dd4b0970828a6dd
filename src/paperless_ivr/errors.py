"""The library's errors. Anything that a caller or a service may do is an event, not an error.

::

    PaperlessIVRError
    ├── FlowError                  a program uses a flow incorrectly (flow.errors)
    │   ├── UnexpectedEvent        this cannot happen in this state
    │   └── CallFinished           the call has ended; only a hang-up is allowed
    ├── Problems                   a configuration cannot be used; lists every problem at once
    │   ├── PolicyProblems         a policy
    │   ├── ConnectionProblems     a connection to a service, or its WSDL
    │   │   └── WsdlAway           a WSDL could not be fetched; try again later
    │   ├── FlowProblems           a table, or a policy for it
    │   ├── WordsProblems          wording
    │   ├── GatewayProblems        a gateway, for a flow
    │   ├── HostProblems           a hand-over or a hand-back
    │   └── TranscriptProblems     a transcript
    ├── SavedCallError             a saved call, or a value of one, cannot be read
    │   ├── OtherSchema            it was saved in a format this version cannot read
    │   └── BrokenCall             it is not a saved call
    ├── Rejected                   a web request is forged, broken, or unexpected
    └── StoreError                 a store of calls or the record
        ├── RecordDown             it did not answer, or could not save something
        │   └── RecordBusy         this process already has too many requests to it
        ├── UnknownCall            there is no such call
        ├── StaleCall              another worker has moved the call first
        ├── StaleClaim             another worker has claimed an item, or it is done
        ├── WrongRevision          a database's tables are not this version's
        │   ├── OlderDatabase      the tables are older; upgrade them
        │   └── UnknownDatabase    the tables are newer, or another program's
        ├── NoRecord               a database contains no record
        ├── StillOpen              a person's call or request is in progress
        ├── KeyProblem             the keys of a vault cannot be used
        └── SealBroken             a vault cannot open what is stored
"""

from collections.abc import Sequence


class PaperlessIVRError(Exception):
    """The base class of all of this library's errors."""


class Problems(PaperlessIVRError):
    """Several problems at once, one per line, each with a way to fix it."""

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
    """A WSDL could not be fetched because its server is down. Try again later."""


class FlowProblems(Problems):
    """A table, or a policy for it, cannot be used."""


class WordsProblems(Problems):
    """Wording cannot be used: a prompt is missing, or has an unknown gap."""


class GatewayProblems(Problems):
    """A gateway cannot run a flow, or lacks a sound or a program that it needs."""


class HostProblems(Problems):
    """An arrival or a hand-back that was passed as strings cannot be read.

    Each problem begins with the name of its field and a colon. Values are not shown, because they
    may be personal.
    """


class TranscriptProblems(Problems):
    """A transcript cannot be read."""


class SavedCallError(PaperlessIVRError):
    """A saved call, or a value of one, cannot be read."""


class OtherSchema(SavedCallError):
    """The call was saved in a format that this version of the library cannot read."""

    def __init__(self, found: object, known: int) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return f"it was saved in format {self.found!r}; this version reads format {self.known}"


class BrokenCall(SavedCallError):
    """Saved data is not valid. Its content is not shown, because it may be personal."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return f"the saved data is not valid: {self.where}"


class Rejected(PaperlessIVRError):
    """A web request is forged or broken, or answers a question that was not asked.

    A rejected request changes nothing. `status` is the HTTP status of the reply; `why` never quotes
    the request.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why

    def __str__(self) -> str:
        return f"{self.why} ({self.status})"


class StoreError(PaperlessIVRError):
    """A store of calls, or the record, cannot do what was requested."""


class RecordDown(StoreError):
    """The record did not answer, or could not save something.

    `cause` is logged. It consists of names of classes and codes, never the query or its result.
    `in_doubt` means that a transaction may have been committed although no answer arrived.
    """

    def __init__(self, *args: object, cause: str = "", in_doubt: bool = False) -> None:
        super().__init__(*args, *([cause] if cause else []))
        self.cause = cause
        self.in_doubt = in_doubt


class RecordBusy(RecordDown):
    """Nothing was sent to the record, because this process already has too many requests to it."""


class UnknownCall(StoreError):
    """There is no such call."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id

    def __str__(self) -> str:
        return f"no call {self.call_id!r} is live"


class StaleCall(StoreError):
    """Another worker moved the call first."""

    def __init__(self, call_id: str, turn: int | None) -> None:
        super().__init__(call_id, turn)
        self.call_id = call_id
        self.turn = turn

    def __str__(self) -> str:
        return f"call {self.call_id!r} is no longer at turn {self.turn}"


class StaleClaim(StoreError):
    """Another worker has claimed a work item, or the item is done."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key!r} is claimed by another worker, or done"


class WrongRevision(StoreError):
    """A database's tables are not those of this version of the library."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known


class OlderDatabase(WrongRevision):
    """The tables are from an earlier version of the library."""

    def __str__(self) -> str:
        return (
            f"the tables are at revision {self.found}, and this version needs {self.known}; "
            "run: paperless-ivr record upgrade"
        )


class UnknownDatabase(WrongRevision):
    """The tables are from a later version of the library, or from another program."""

    def __str__(self) -> str:
        return (
            f"the tables are at revision {self.found}, which this version does not know; "
            f"it knows {self.known}: install a later version of paperless-ivr"
        )


class NoRecord(StoreError):
    """A database contains no record."""

    def __str__(self) -> str:
        return "there is no record in that database; the first call that uses it creates one"


class StillOpen(StoreError):
    """A person's call or request is in progress, so nothing can be erased yet."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"nothing was removed: {self.what}"


class KeyProblem(StoreError):
    """A key of a vault cannot be used. The message says which one and why, but never shows it."""


class SealBroken(StoreError):
    """A vault cannot open stored data: its key is missing, or the data was changed."""
