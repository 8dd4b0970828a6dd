"""How a biller's CloudIVR service is reached, and where its shapes differ from the contract.

A connection is read from TOML, so that a service with other names or codes needs no code.
Only the four fields of `EnrollInPaperless` are public; for the rest a service may differ.
"""

import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.gen import make_dict_structure_fn

from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.events import Refusal
from paperless_ivr.flow.policy import Fixed
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.secret import Secret, credential

EVERY = "every"
"""The table of what holds for all operations; an operation's own table goes before it."""

ABSENT = "absent"
"""A code that says: nobody, or nothing, is there. Not a refusal, but an answer."""
UNAVAILABLE = "unavailable"
"""A code that says: surely nothing was done, and it is no matter of business."""
UNKNOWN = "unknown"
"""A code that says: perhaps it was done."""

MEANINGS = (*(refusal.value for refusal in Refusal), ABSENT, UNAVAILABLE, UNKNOWN)
"""What a code of the service can mean."""

REFERENCE_CODES: Mapping[str, Mapping[str, str]] = Fixed(
    {
        EVERY: {
            str(Code.CUSTOMER_NOT_FOUND.value): ABSENT,
            str(Code.BAD_EMAIL.value): Refusal.BAD_EMAIL.value,
            str(Code.BAD_PHONE.value): Refusal.BAD_PHONE.value,
            str(Code.ALREADY_ENROLLED.value): Refusal.ALREADY_PAPERLESS.value,
            str(Code.PENDING.value): Refusal.PENDING.value,
            str(Code.LIMIT.value): Refusal.LIMIT.value,
            str(Code.INTERNAL.value): UNKNOWN,
        }
    }
)
"""What the codes of the reference service mean. A code that is not here is a refusal."""

SOAP_VERSIONS = ("1.1", "1.2")

Table = Mapping[str, Mapping[str, str]]
"""By operation, or `every`: a name of ours, and what it is at the service."""


def _tables(default: Mapping[str, Any] = Fixed({})) -> Any:
    return field(default=default, converter=Fixed, hash=False)


@frozen
class Connection:
    """Everything that is needed to talk to one biller's service.

    Names on the left of `request` and `answer` are those of the reference contract; on the
    right stands a name, or a dotted path, at the service: `AccountNumber = "Req.AcctNo"`. A
    flag can be turned round: `Paperless = "not PaperInvoices"`.
    """

    address: str
    """Where requests are posted (https, or http on this machine)."""
    biller_guid: str
    partner_guid: str
    partner_key: Secret
    wsdl: str | None = None
    """A file or URL; None: the reference contract."""
    soap: str = "1.1"
    """Which of the service's ports is used; ASMX lists 1.1 first."""
    leave_out: tuple[str, ...] = ()
    """Operations that are not used although the service lists them."""
    request: Table = _tables()
    answer: Table = _tables()
    fixed: Table = _tables()
    """Fields that the service wants beside ours, and their values."""
    codes: Table = _tables()
    """What the service's error codes mean: one of `MEANINGS`.

    In a file without a WSDL of its own, those of the reference service.
    """

    def __attrs_post_init__(self) -> None:
        """What is wrong with a connection is found here, never in a call."""
        found = list(_problems(self))
        if found:
            raise ConnectionProblems("the connection cannot be used", found)

    def asked(self, operation: str, name: str) -> str:
        """Where a field of a request goes at the service."""
        return _looked_up(self.request, operation, name) or name

    def answered(self, operation: str, name: str) -> str | None:
        """Where a field of an answer is at the service; None where it is where it should be."""
        return _looked_up(self.answer, operation, name)

    def meaning(self, operation: str, code: str) -> str | None:
        """What a code means; None where nobody said."""
        return _looked_up(self.codes, operation, code)

    def beside(self, operation: str) -> Mapping[str, str]:
        """The fixed fields of an operation."""
        return {**self.fixed.get(EVERY, {}), **self.fixed.get(operation, {})}


def load_connection(path: str | Path, environ: Mapping[str, str] = os.environ) -> Connection:
    """The connection in a TOML file. Raises `ConnectionProblems` with everything wrong.

    The partner key stands in no such file: it names an environment variable
    (`partner_key_env`) or a file (`partner_key_file`, from the folder of this one).
    """
    title = f"{path}: this connection cannot be used"
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConnectionProblems(title, [f"cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise ConnectionProblems(title, [f"not TOML in UTF-8: {error}"]) from error
    try:
        document = _CONVERTER.structure(tables, _Document)
    except BaseValidationError as error:
        raise ConnectionProblems(title, [_line(p) for p in transform_error(error)]) from None
    service, folder = document.service, Path(path).parent
    key, without = _key(service, folder, environ)
    wsdl = service.wsdl
    if wsdl is not None and not is_url(wsdl):
        wsdl = str(folder / wsdl)
    codes: Table | None = document.codes
    if codes is None:
        codes = REFERENCE_CODES if wsdl is None else {}
    try:
        connection = Connection(
            address=service.address,
            biller_guid=service.biller_guid,
            partner_guid=service.partner_guid,
            partner_key=key,
            wsdl=wsdl,
            soap=service.soap,
            leave_out=service.leave_out,
            request=document.request,
            answer=document.answer,
            fixed=document.fixed,
            codes=REFERENCE_CODES
            if document.codes is None and wsdl is None
            else document.codes or {},
        )
    except ConnectionProblems as problems:
        raise ConnectionProblems(title, [*without, *problems.problems]) from None
    if without:
        raise ConnectionProblems(title, without)
    return connection


def is_url(place: str) -> bool:
    """Whether a WSDL is fetched from the network."""
    return urlsplit(place).scheme in ("http", "https")


def _looked_up(tables: Table, operation: str, name: str) -> str | None:
    own = tables.get(operation, {})
    return own[name] if name in own else tables.get(EVERY, {}).get(name)


# ── the file ─────────────────────────────────────────────────────────────────────────────


@frozen
class _Service:
    """The section `service`."""

    address: str
    biller_guid: str
    partner_guid: str
    partner_key_env: str | None = None
    partner_key_file: str | None = None
    wsdl: str | None = None
    soap: str = "1.1"
    leave_out: tuple[str, ...] = ()


@frozen
class _Document:
    """A whole file."""

    service: _Service
    request: dict[str, dict[str, str]] = field(factory=dict)
    answer: dict[str, dict[str, str]] = field(factory=dict)
    fixed: dict[str, dict[str, str]] = field(factory=dict)
    codes: dict[str, dict[str, str]] | None = None


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        message = "must be a text in quotes"
        raise TypeError(message)
    return value


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _text)
    for kind in (_Service, _Document):
        hook = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
        converter.register_structure_hook(kind, hook)
    return converter


_CONVERTER = _make_converter()


def _line(problem: str) -> str:
    """A problem as cattrs tells it, with the place first."""
    says, _, at = problem.rpartition(" @ ")
    return f"{at.removeprefix('$.') or 'the file'}: {says}"


def _key(
    service: _Service, folder: Path, environ: Mapping[str, str]
) -> tuple[Secret, Sequence[str]]:
    """The partner key, or why there is none."""
    nothing = credential("")
    if (service.partner_key_env is None) == (service.partner_key_file is None):
        return nothing, ["service: give one of partner_key_env and partner_key_file"]
    if service.partner_key_env is not None:
        where = f"service.partner_key_env: the variable {service.partner_key_env}"
        key = environ.get(service.partner_key_env, "")
    else:
        file = folder / (service.partner_key_file or "")
        where = f"service.partner_key_file: {file}"
        try:
            key = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return nothing, [f"{where} cannot be read"]
    return credential(key.strip()), [] if key.strip() else [f"{where} holds no key"]


# ── what a connection must not say ───────────────────────────────────────────────────────


def _problems(connection: Connection) -> Iterator[str]:
    for name in ("address", "wsdl"):
        if "@" in urlsplit(getattr(connection, name) or "").netloc:
            yield f"service.{name}: holds a name or password before @; leave them out"
    if not _safe(connection.address):
        yield (
            "service.address: must begin with https://; the partner key travels in every "
            "request (http only on this machine)"
        )
    for name in ("biller_guid", "partner_guid"):
        if not getattr(connection, name).strip():
            yield f"service.{name}: is empty; it stands in every request"
    if connection.soap not in SOAP_VERSIONS:
        yield f"service.soap: is {connection.soap!r}; it may be {' or '.join(SOAP_VERSIONS)}"
    for operation in connection.leave_out:
        yield from _known("service.leave_out", operation)
    yield from _of_tables(connection)


def _of_tables(connection: Connection) -> Iterator[str]:
    for name in ("request", "answer", "fixed", "codes"):
        for operation in getattr(connection, name):
            if operation != EVERY:
                yield from _known(name, operation)
    for operation, codes in connection.codes.items():
        for code, meaning in codes.items():
            if meaning not in MEANINGS:
                yield f"codes.{operation}.{code}: {meaning!r} is none of {', '.join(MEANINGS)}"


def _known(where: str, operation: str) -> Iterator[str]:
    if operation not in OPERATIONS:
        yield f"{where}: no operation {operation!r}; there are {', '.join(sorted(OPERATIONS))}"


def _safe(address: str) -> bool:
    """Whether nobody on the way can read what is sent there."""
    parts = urlsplit(address)
    if not parts.hostname:
        return False
    if parts.scheme == "https":
        return True
    if parts.scheme != "http":
        return False
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"
