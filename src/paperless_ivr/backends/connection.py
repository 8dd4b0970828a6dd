"""How to reach a biller's CloudIVR service, and how it differs from the reference contract.

A connection is read from TOML, so a service with other names or codes requires no new code. Only
the four fields of `EnrollInPaperless` are publicly documented; a service can differ in all others.
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

from paperless_ivr.backends import written
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.events import Refusal
from paperless_ivr.flow.policy import Fixed
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.secret import Secret, credential

EVERY = "every"
"""The name of the table for all operations. An operation's own table takes precedence."""

ABSENT = "absent"
"""The meaning of a code if no customer or invoice was found. Only a write is then refused."""
UNAVAILABLE = "unavailable"
"""The meaning of a code if nothing was done, for a technical rather than a business reason."""
CREDENTIALS = "credentials"
"""The meaning of a code if the service does not accept our credentials. Nothing was done."""
UNKNOWN = "unknown"
"""The meaning of a code if the request may or may not have been carried out."""
DONE = "done"
"""The meaning of a code for success, if the service has no flag for it."""

MEANINGS = (
    DONE,
    *(refusal.value for refusal in Refusal),
    ABSENT,
    UNAVAILABLE,
    CREDENTIALS,
    UNKNOWN,
)
"""The possible meanings of a service's code."""

REFERENCE_CODES: Mapping[str, Mapping[str, str]] = Fixed(
    {
        EVERY: {
            str(Code.PARTNER_REFUSED.value): CREDENTIALS,
            str(Code.BILLER_UNKNOWN.value): CREDENTIALS,
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
"""The meanings of the reference service's codes. A failure with any other code is a refusal."""

SOAP_VERSIONS = ("1.1", "1.2")

SECONDS = (0.5, 20.0)
"""The shortest and longest time limit of an operation, as for the policy's reads and writes."""

CIRCUIT_FAILURES, CIRCUIT_SECONDS = 5, 10.0

Table = Mapping[str, Mapping[str, str]]
"""A mapping for each operation or for `every`, such as from our names to the service's names."""


def _tables(default: Mapping[str, Any] = Fixed({})) -> Any:
    return field(default=default, converter=Fixed, hash=False)


@frozen
class _Service:
    """A service's address and how to call it, as given in a file's `service` section."""

    address: str
    """The address for requests (https, or http on this machine)."""
    biller_guid: str
    partner_guid: str
    wsdl: str | None = None
    """A file or URL; None means the reference contract."""
    soap: str = "1.1"
    """The SOAP version, which also selects the port in the WSDL. ASMX services list 1.1 first."""
    binding: str | None = None
    """Which of the WSDL's bindings to use, if several have our operations."""
    ca_file: str | None = None
    """The certificate authorities to trust (PEM); None means the system's."""
    client_certificate: str | None = None
    """A client certificate (PEM). Its key can be in the same file."""
    client_key: str | None = None
    """The client certificate's key (PEM)."""
    proxy: str | None = None
    """The HTTP proxy to use. Proxies set in the environment are ignored."""
    circuit_failures: int = CIRCUIT_FAILURES
    """After this many failures in a row, the circuit opens, and no more requests are sent."""
    circuit_seconds: float = CIRCUIT_SECONDS
    """Seconds until an open circuit lets one request through. Its success closes the circuit."""
    leave_out: tuple[str, ...] = ()
    """Operations not to use, although the service lists them."""


@frozen
class Connection(_Service):
    """Everything needed to talk to one biller's service.

    In `request` and `answer`, the left side is a name in the reference contract, and the right side
    is the service's name or dotted path, such as `AccountNumber = "Req.AcctNo"`. A flag can be
    negated, as in `Paperless = "not PaperInvoices"`.
    """

    partner_key: Secret = field(kw_only=True)
    operations: Mapping[str, str] = _tables()
    """The service's names for our operations, where they differ."""
    seconds: Mapping[str, float] = _tables()
    """Time limits, by operation or `every`. The policy's budget applies if it is lower."""
    request: Table = _tables()
    answer: Table = _tables()
    written: Table = _tables()
    """The formats of flags, amounts, and dates that the WSDL declares only as text."""
    fixed: Table = _tables()
    """Additional fields that the service requires, and their values."""
    codes: Table = _tables()
    """The meanings of the service's error codes. Each must be one of `MEANINGS`.

    If a file has neither codes nor a WSDL, the reference service's codes apply.
    """

    def __attrs_post_init__(self) -> None:
        """Raise an error for problems immediately, rather than during a call."""
        found = list(_problems(self))
        if found:
            raise ConnectionProblems("the connection cannot be used", found)

    def asked(self, operation: str, name: str) -> str:
        """Return the service's path for a field of a request."""
        return _looked_up(self.request, operation, name) or name

    def answered(self, operation: str, name: str) -> str | None:
        """Return the service's path for a field of an answer, or None if none is set."""
        return _looked_up(self.answer, operation, name)

    def named(self, operation: str) -> str:
        """Return the service's name for an operation."""
        return self.operations.get(operation, operation)

    def limit(self, operation: str, budget: float) -> float:
        """Return how many seconds a request can take: at most `budget`."""
        own = self.seconds.get(operation, self.seconds.get(EVERY, budget))
        return min(own, budget)

    def example(self, operation: str, name: str) -> str | None:
        """Return an example of how a field is written, or None if none is set."""
        return _looked_up(self.written, operation, name)

    def meaning(self, operation: str, code: str) -> str | None:
        """Return the meaning of a code, or None if none is set."""
        return _looked_up(self.codes, operation, code)

    def codes_for_success(self, operation: str) -> bool:
        """Return whether one of an operation's error codes means success."""
        codes = {**self.codes.get(EVERY, {}), **self.codes.get(operation, {})}
        return DONE in codes.values()

    def beside(self, operation: str) -> Mapping[str, str]:
        """Return the fixed fields of an operation."""
        return {**self.fixed.get(EVERY, {}), **self.fixed.get(operation, {})}


def load_connection(path: str | Path, environ: Mapping[str, str] = os.environ) -> Connection:
    """Load a connection from a TOML file. Raises `ConnectionProblems` with all problems found.

    The file does not contain the partner key. Instead, it names an environment variable
    (`partner_key_env`) or another file (`partner_key_file`, relative to this file).
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
    codes: Table = document.codes or {}
    if document.codes is None and wsdl is None:
        codes = REFERENCE_CODES
    try:
        connection = Connection(
            address=service.address,
            biller_guid=service.biller_guid,
            partner_guid=service.partner_guid,
            partner_key=key,
            wsdl=wsdl,
            soap=service.soap,
            binding=service.binding,
            ca_file=_beside(folder, service.ca_file),
            client_certificate=_beside(folder, service.client_certificate),
            client_key=_beside(folder, service.client_key),
            proxy=service.proxy,
            circuit_failures=service.circuit_failures,
            circuit_seconds=service.circuit_seconds,
            leave_out=service.leave_out,
            operations=document.operations,
            seconds=document.seconds,
            request=document.request,
            answer=document.answer,
            written=document.written,
            fixed=document.fixed,
            codes=codes,
        )
    except ConnectionProblems as problems:
        raise ConnectionProblems(title, [*without, *problems.problems]) from None
    if without:
        raise ConnectionProblems(title, without)
    return connection


def _beside(folder: Path, file: str | None) -> str | None:
    """Return the path of a file named in a connection file in this folder."""
    return None if file is None else str(folder / file)


def is_url(place: str) -> bool:
    """Return whether a WSDL is at a URL rather than in a file."""
    return urlsplit(place).scheme in ("http", "https")


def _looked_up(tables: Table, operation: str, name: str) -> str | None:
    own = tables.get(operation, {})
    return own[name] if name in own else tables.get(EVERY, {}).get(name)


# ── the file ─────────────────────────────────────────────────────────────────────────────


@frozen
class _Section(_Service):
    """A file's `service` section, including where to find the partner key."""

    partner_key_env: str | None = None
    partner_key_file: str | None = None


@frozen
class _Document:
    """A complete connection file."""

    service: _Section
    operations: dict[str, str] = field(factory=dict)
    seconds: dict[str, float] = field(factory=dict)
    request: dict[str, dict[str, str]] = field(factory=dict)
    answer: dict[str, dict[str, str]] = field(factory=dict)
    written: dict[str, dict[str, str]] = field(factory=dict)
    fixed: dict[str, dict[str, str]] = field(factory=dict)
    codes: dict[str, dict[str, str]] | None = None


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        message = "must be text in quotes"
        raise TypeError(message)
    return value


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = "must be a number"
        raise TypeError(message)
    return float(value)


def _whole_number(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        message = "must be a whole number"
        raise TypeError(message)
    return value


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(int, _whole_number)
    for kind in (_Section, _Document):
        hook = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
        converter.register_structure_hook(kind, hook)
    return converter


_CONVERTER = _make_converter()


def _line(problem: str) -> str:
    """Return a problem as cattrs words it, but with its location first."""
    says, _, at = problem.rpartition(" @ ")
    return f"{at.removeprefix('$.') or 'the file'}: {says}"


def _key(
    service: _Section, folder: Path, environ: Mapping[str, str]
) -> tuple[Secret, Sequence[str]]:
    """Return the partner key, and problems if it cannot be read."""
    nothing = credential("")
    if (service.partner_key_env is None) == (service.partner_key_file is None):
        return nothing, ["service: set exactly one of partner_key_env and partner_key_file"]
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
    return credential(key.strip()), [] if key.strip() else [f"{where} contains no key"]


# ── checks of a connection ───────────────────────────────────────────────────────────────


def _problems(connection: Connection) -> Iterator[str]:
    for name in ("address", "wsdl", "proxy"):
        if "@" in urlsplit(getattr(connection, name) or "").netloc:
            yield f"service.{name}: has a user name or password before the @; remove it"
    if not _safe(connection.address):
        yield (
            "service.address: must begin with https://, because every request contains the "
            "partner key (http is allowed only on this machine)"
        )
    for name in ("biller_guid", "partner_guid"):
        if not getattr(connection, name).strip():
            yield f"service.{name}: is empty, but every request must contain it"
    if connection.soap not in SOAP_VERSIONS:
        yield f"service.soap: is {connection.soap!r}; it must be {' or '.join(SOAP_VERSIONS)}"
    if connection.proxy and urlsplit(connection.proxy).scheme not in ("http", "https"):
        yield f"service.proxy: is {connection.proxy!r}; it must begin with http:// or https://"
    if connection.client_key and not connection.client_certificate:
        yield "service.client_key: is set, but client_certificate is not"
    if connection.circuit_failures < 1:
        yield f"service.circuit_failures: is {connection.circuit_failures}; it must be at least 1"
    if not 1 <= connection.circuit_seconds <= 600:
        yield f"service.circuit_seconds: is {connection.circuit_seconds:g}; it must be 1 to 600"
    for operation in connection.leave_out:
        yield from _known("service.leave_out", operation)
    yield from _of_tables(connection)


def _of_tables(connection: Connection) -> Iterator[str]:
    for operation in connection.operations:
        yield from _known("operations", operation)
    least, most = SECONDS
    for operation, seconds in connection.seconds.items():
        if operation != EVERY:
            yield from _known("seconds", operation)
        if not least <= seconds <= most:
            yield f"seconds.{operation}: is {seconds:g}; it must be {least:g} to {most:g}"
    for name in ("request", "answer", "written", "fixed", "codes"):
        for operation in getattr(connection, name):
            if operation != EVERY:
                yield from _known(name, operation)
    for operation, names in connection.written.items():
        yield from written.problems(f"written.{operation}", names)
    for operation, codes in connection.codes.items():
        for code, meaning in codes.items():
            if meaning not in MEANINGS:
                known = ", ".join(MEANINGS)
                yield f"codes.{operation}.{code}: must be one of {known}, not {meaning!r}"


def _known(where: str, operation: str) -> Iterator[str]:
    if operation not in OPERATIONS:
        names = ", ".join(sorted(OPERATIONS))
        yield f"{where}: unknown operation {operation!r}; must be one of: {names}"


def _safe(address: str) -> bool:
    """Return whether requests to an address are safe from eavesdroppers."""
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
