"""What docs/operate.md says about a failure matches the log when it happens, and the endings."""

import ast
import asyncio
import re
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from paperless_ivr.backends.demo import springfield
from paperless_ivr.backends.port import Backend
from paperless_ivr.cli.agi import _tell
from paperless_ivr.cli.services import _tell as _tell_circuit
from paperless_ivr.errors import RecordDown
from paperless_ivr.web import Meters
from tests.backends.canned import Said, canned
from tests.cli.connections import connected
from tests.durability.town import account, free_port
from tests.gateways.agi.simulator import HEADERS
from tests.rim import made
from tests.rim.callers import AgiCall, Keyed, WebCall
from tests.rim.conftest import World
from tests.rim.outside import Breakable
from tests.rim.test_single_faults import KEYS, RIVERA, Rivera

pytestmark = pytest.mark.requirement("R24")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
OF_NO_CALL = ("request.rejected", "service.circuit")
NO_ANSWER = ("Unavailable", "OutcomeUnknown", "Refused")


def section(title: str) -> str:
    """Return what the page says below a heading."""
    found = re.search(rf"^### {re.escape(title)}\n(.+?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


@define
class Night:
    """A line with its own database, in this process, and how its calls end."""

    folder: Path
    world: World
    at: made.OpenStore
    ends: list[tuple[str, str]] = field(factory=list)
    """The disposition and reason that the host gets."""
    _calls: int = 0

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / "record.db"

    def rivera(self) -> Rivera:
        """Return a new call of the demo's customer."""
        self._calls += 1
        return Rivera(f"CA{self._calls:032}")

    def soap(self, address: str, key: str | None = None, **more: object) -> Backend:
        """Return the back end that servers have, with a service at an address."""
        connection = connected(self.folder, address, **more)
        if key is not None:
            (self.folder / "key").write_text(key)
        return made.guarded(connection, _tell_circuit)

    def web_call(self, keys: list[str] | None = None) -> WebCall:
        """Return a call over web requests."""
        return WebCall(self.rivera(), keys or KEYS)  # type: ignore[arg-type]

    def on_twilio(self, backend: Backend, keys: list[str] | None = None) -> None:
        """Run a call over web requests to its end."""
        with made.web(self.at, backend) as send:
            self._ended(self.web_call(keys).run(send))

    def agi_call(self) -> AgiCall:
        """Return a call over FastAGI."""
        given = {"PAPERLESS_LANGUAGE": "en-US", "PAPERLESS_ANI": RIVERA.phone.reveal()}
        headers = HEADERS | {"agi_uniqueid": self.rivera().call_id}
        return AgiCall(Keyed(keys=list(KEYS)), given, headers)

    def on_asterisk(self, backend: Backend, call: AgiCall | None = None) -> None:
        """Run a call over FastAGI to its end, or until it is parked: then, Asterisk is gone."""
        one = call or self.agi_call()

        agi = made.Agi(self.at, backend, _tell)

        async def run() -> None:
            async with agi as port:
                calling = asyncio.create_task(one.call(port))
                while not calling.done() and not one.parked:
                    await asyncio.sleep(0.01)
                calling.cancel()
                while agi.server.calls:
                    await asyncio.sleep(0.01)

        asyncio.run(asyncio.wait_for(run(), 60))
        self._ended(one.told)

    def _ended(self, told: object) -> None:
        self.ends.append((told["disposition"], told["reason"]))  # type: ignore[index]


@pytest.fixture
def night(folder: Path, world: World) -> Iterator[Night]:
    """A line at night."""
    with made.kept(f"sqlite:///{folder / 'record.db'}") as at:
        yield Night(folder, world, at)


# ── failures ──

FAULT = Said(
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    b"<faultcode>s:Server</faultcode><faultstring>Null</faultstring></s:Fault></s:Body>"
    b"</s:Envelope>",
    500,
)
Happens = Callable[[Night], None]


def refuses(night: Night) -> None:
    """No one listens at the service's address."""
    backend = night.soap(f"http://127.0.0.1:{free_port()}/")
    for _ in range(4):
        night.on_twilio(backend)


def faults(night: Night) -> None:
    """The service answers every request with a fault."""
    with canned(lambda _: FAULT) as service:
        night.on_twilio(night.soap(service.url))


def other_pages(night: Night) -> None:
    """A different web server answers instead."""
    with canned(lambda _: Said(b"<html></html>", 502, "text/html")) as service:
        night.on_twilio(night.soap(service.url))


def expired(night: Night) -> None:
    """The service's certificate was valid until yesterday."""
    certificate = night.folder / "service.pem"
    certificate.write_bytes(expired_certificate())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with canned(lambda _: FAULT, tls) as service:
        address = service.url.replace("http:", "https:")
        night.on_twilio(night.soap(address, ca_file=str(certificate)))


def expired_certificate() -> bytes:
    """Return a self-signed certificate that has expired, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, form, serialization.NoEncryption())
    return private + signed.public_bytes(pem)


def wrong_key(night: Night) -> None:
    """The service does not know the partner key."""
    address = f"http://127.0.0.1:{night.world.door.port}/CloudIVR.asmx"
    night.on_twilio(night.soap(address, "wrong"), ["1", f"{account(1)}#"])


def locked(night: Night) -> None:
    """Another process holds the write lock."""
    database = Breakable(f"sqlite:///{night.file}")
    database.lock()
    night.on_twilio(springfield())
    night.on_asterisk(springfield())
    database.mend()
    database.close()


def moved(night: Night) -> None:
    """The file is elsewhere; open connections still write to it."""
    night.on_twilio(springfield())
    night.file.rename(night.folder / "elsewhere.db")
    night.on_twilio(springfield())
    with pytest.raises(RecordDown, match="the file was deleted or replaced"):
        night.at.store.probe()  # type: ignore[attr-defined]
    assert night.at.engine is not None
    night.at.engine.dispose()  # from now on, a new connection is needed
    night.on_twilio(springfield())


def crowded(night: Night) -> None:
    """No transaction gets its turn."""
    with made.crowded(night.at):
        night.on_twilio(springfield())


def forged(night: Night) -> None:
    """A request is signed with another auth token."""
    with made.web(night.at, springfield()) as send:
        call = night.web_call()
        assert call.next is not None
        assert send(call.runtime.forged(call.next)).status == 403


def another_token_key(night: Night) -> None:
    """The document being answered was signed with the key of another server."""
    with (
        made.web(night.at, springfield()) as send,
        made.web(night.at, springfield(), "another key of 24 chars.") as other,
    ):
        call = night.web_call()
        call.step(send)
        assert call.next is not None
        assert other(call.next).status == 403


def without_a_sound(night: Night) -> None:
    """Asterisk lacks a sound."""
    call = night.agi_call()
    call.missing.add(f"/sounds/{made.phrases(made.POLICY)[0].file}")
    night.on_asterisk(springfield(), call)


def without_asterisk(night: Night) -> None:
    """Asterisk ends in the middle of a call."""
    call = night.agi_call()
    call.park_at = 1
    night.on_asterisk(springfield(), call)


def guessing(night: Night) -> None:
    """Someone guesses last four digits call after call, then account numbers."""
    for _ in range(3):
        night.on_twilio(springfield(), ["1", "0000", "0000"])
    night.on_twilio(springfield(), ["1", "999901#", "999902#"])
    asked = re.search(r"`(SELECT [^`]+)`", section("Many calls reach a limit"))
    assert asked
    database = Breakable(f"sqlite:///{night.file}")
    assert {limit for limit, _ in database.do(asked[1])} == {"tries_per_account", "tries_per_ani"}
    database.close()


ALL: dict[Happens, tuple[str, set[str]]] = {
    refuses: ("The service refuses connections", {"service.answered", "service.circuit"}),
    faults: ("The service answers with faults", {"service.answered"}),
    other_pages: ("The service answers with faults", {"service.answered"}),
    expired: ("The certificate has expired", {"service.answered"}),
    wrong_key: ("The service does not accept our credentials", {"service.answered"}),
    locked: (
        "The database is locked (SQLite)",
        {"call.broken_off", "store.failed"},
    ),
    moved: ("The database file was deleted or moved (SQLite)", {"call.broken_off"}),
    crowded: ("Too many calls at once", {"call.broken_off"}),
    forged: ("Twilio's requests are rejected", {"request.rejected"}),
    another_token_key: ("Twilio's requests are rejected", {"request.rejected"}),
    without_a_sound: ("Asterisk lacks sounds", {"sounds.missing"}),
    without_asterisk: ("Asterisk is gone", set()),
    guessing: ("Many calls reach a limit", set()),
}
"""What happens, the section about it, and the events that must be logged."""


@pytest.mark.parametrize("happens", ALL, ids=lambda act: act.__name__)
def test_what_the_page_says(happens: Happens, night: Night) -> None:
    """A failure logs the expected lines. They, the reasons, and the endings are on the page."""
    title, due = ALL[happens]
    with capture_logs() as logged:
        happens(night)
    failing = [
        line
        for line in logged
        if line["log_level"] != "info" or line.get("answer", "") in NO_ANSWER
    ]
    events = {line["event"] for line in failing}
    assert events >= due
    if not due:
        assert events == set()
    whys = {str(line["why"]) for line in failing if "why" in line}
    names = events | {why for why in whys if "Asterisk has no" not in why}
    for name in names:
        assert f"`{name}`" in section(title), name
    for line in failing:
        if line["event"] not in OF_NO_CALL:
            assert all(line[name] for name in ("call", "handover", "biller")), line
    for disposition, reason in night.ends:
        if (disposition, reason) != ("enrolled", "none"):
            assert f"`{disposition}`, `{reason}`" in section(title), (disposition, reason)


# ── names ──

METHODS = ("debug", "info", "warning", "error", "tell", "_tell", "_failed")


def events() -> set[str]:
    """Return every event that servers and relays log, as named in the code."""
    found = set()
    for file in (ROOT / "src/paperless_ivr").rglob("*.py"):
        if "cloudivr" in file.parts:
            continue  # the reference service
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in METHODS:
                match node.args[:1]:
                    case [ast.Constant(value=str() as event)]:
                        found.add(event)
    return found


def named(pattern: str) -> set[str]:
    """Return what is in backticks on the page."""
    return set(re.findall(rf"`({pattern})", PAGE))


def test_events() -> None:
    """Every log line is on the page, and no other."""
    kinds = {event.partition(".")[0] for event in events()}
    assert named(rf"(?:{'|'.join(kinds)})\.[a-z_]+(?=[` ])") == events()


def test_metrics() -> None:
    """Every metric is on the page, and no other."""
    there = {
        sample
        for family in Meters().registry.collect()
        for sample in (
            {"counter": [f"{family.name}_total"], "histogram": [f"{family.name}_count"]}
        ).get(family.type, [family.name])
    }
    assert named(r"paperless_ivr_[a-z_]+") == there
