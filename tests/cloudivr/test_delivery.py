"""Queued e-mail is delivered by SMTP once, even after the mail server was away."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from attrs import define, field

from paperless_ivr.cloudivr.delivery import LONGEST_RETRY, LOOK_S, RETRY, Mailer
from paperless_ivr.cloudivr.links import Links
from paperless_ivr.cloudivr.outbox import outbox
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.cloudivr.words import Standing
from tests.cloudivr.benches import Bench, ask, customer, enrollment, guid, number
from tests.durability.town import free_port

pytestmark = pytest.mark.requirement("R22")


@define
class Sink:
    """A mail server that keeps what it gets, with replies that a test can set."""

    answers: dict[str, str] = field(factory=dict)
    """By recipient; others are accepted."""
    sender: str = "250 OK"
    after: Callable[[], str] = lambda: "250 OK"
    got: list[EmailMessage] = field(factory=list)

    async def handle_MAIL(self, _s: Any, _x: Any, envelope: Any, sender: str, _o: Any) -> str:  # noqa: N802
        """Decide who may send."""
        envelope.mail_from = sender
        return self.sender

    async def handle_RCPT(self, _s: Any, _x: Any, envelope: Any, to: str, _o: Any) -> str:  # noqa: N802
        """Decide who may receive."""
        answer = self.answers.get(to, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(to)
        return answer

    async def handle_DATA(self, _s: Any, _x: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a message."""
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.after()


@contextmanager
def listening(sink: Sink, port: int) -> Iterator[None]:
    """Run the server for the length of the block."""
    controller = Controller(sink, hostname="127.0.0.1", port=port, ready_timeout=60.0)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture
def port() -> int:
    """Return a port on which nothing listens yet."""
    return free_port()


def mailer(bench: Bench, port: int) -> Mailer:
    """Delivers what the bench has queued."""
    return Mailer(bench.engine, "127.0.0.1", port, bench.clock)


def enroll(bench: Bench, handle: str) -> None:
    """Queue an e-mail."""
    answer = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid(handle)))
    assert answer.EnrollmentSuccessful


def test_delivered_once(bench: Bench, port: int) -> None:
    """Each e-mail goes to its recipient with its link, once, oldest first."""
    enroll(bench, "rivera")
    enroll(bench, "chen")
    sink = Sink()
    with listening(sink, port):
        assert [mailer(bench, port).deliver() for _ in range(3)] == [2, 0, 0]

    queued = outbox(bench.engine, bench.clock()).emails
    assert [message["To"] for message in sink.got] == [email.to.reveal() for email in queued]
    for message, email in zip(sink.got, queued, strict=True):
        assert email.link in message.get_content()
        assert "one or two bills" in message.get_content()
    assert [email.state for email in queued] == ["delivered"] * 2


@pytest.mark.requirement("R16")
def test_in_the_language_of_the_call(bench: Bench, port: int) -> None:
    """A caller who spoke Spanish gets Spanish e-mail."""
    bench.service.StoreCustomerPreference(
        **ask(),
        CustomerID=number("rivera"),
        InvoiceType="WATER",
        Paperless=True,
        EmailAddress="typed.here@example.com",
        Language="es-US",
    )
    sink = Sink()
    with listening(sink, port):
        mailer(bench, port).deliver()

    (message,) = sink.got
    assert message["Subject"] == "Springfield Water: falta un paso para la facturación sin papel"
    assert "factura del agua" in message.get_content()


def test_the_server_was_away(bench: Bench, port: int) -> None:
    """Nothing is lost while the server is away, and everything arrives once it is back."""
    enroll(bench, "rivera")
    with pytest.raises(OSError, match="refused"):
        mailer(bench, port).deliver()

    sink = Sink()
    with listening(sink, port):
        assert mailer(bench, port).deliver() == 1
    assert len(sink.got) == 1


def test_not_now(bench: Bench, port: int) -> None:
    """An e-mail that the server does not accept now is retried later; the others are sent."""
    rivera = customer("rivera").email
    assert rivera is not None
    enroll(bench, "rivera")
    enroll(bench, "chen")
    sink = Sink({rivera.reveal(): "451 Later"})
    with listening(sink, port):
        assert mailer(bench, port).deliver() == 1
        sink.answers.clear()
        assert mailer(bench, port).deliver() == 0
        bench.clock.now += RETRY
        assert mailer(bench, port).deliver() == 1
    assert len(sink.got) == 2


@pytest.mark.requirement("R49")
def test_not_now_for_days(bench: Bench, port: int, capfd: Any) -> None:
    """An e-mail that is not accepted for days is retried less often, and still in time."""
    rivera = customer("rivera").email
    assert rivera is not None
    enroll(bench, "rivera")
    sink = Sink({rivera.reveal(): "451 Later"})
    with listening(sink, port):
        for _ in range(2 * 24 * 6):
            assert mailer(bench, port).deliver() == 0
            bench.clock.now += timedelta(minutes=10)
        assert capfd.readouterr().out.count("cloudivr.mail_refused") < 60
        sink.answers.clear()
        bench.clock.now += LONGEST_RETRY
        assert mailer(bench, port).deliver() == 1


def test_never(bench: Bench, port: int) -> None:
    """An e-mail that the server rejects permanently is not retried, and the outbox says so."""
    rivera = customer("rivera").email
    assert rivera is not None
    enroll(bench, "rivera")
    with listening(Sink({rivera.reveal(): "550 No such user"}), port):
        assert mailer(bench, port).deliver() == 0
        bench.clock.now += RETRY
        assert mailer(bench, port).deliver() == 0
    assert outbox(bench.engine, bench.clock()).emails[0].state == "refused (550)"


def test_a_sender_that_is_refused(bench: Bench, port: int) -> None:
    """If the server accepts nothing from this sender, that is also permanent."""
    enroll(bench, "rivera")
    with listening(Sink(sender="550 Not from you"), port):
        assert mailer(bench, port).deliver() == 0
    assert outbox(bench.engine, bench.clock()).emails[0].state == "refused (550)"


def test_two_processes(bench: Bench, port: int) -> None:
    """An e-mail that one process is sending is not sent by another."""
    enroll(bench, "rivera")
    sink = Sink()
    other: list[int] = []

    def meanwhile() -> str:
        other.append(mailer(bench, port)._send(None, 1))  # type: ignore[arg-type]
        return "250 OK"

    sink.after = meanwhile
    with listening(sink, port):
        assert mailer(bench, port).deliver() == 1
    assert other == [False]
    assert len(sink.got) == 1


def test_an_expired_link_is_not_sent(bench: Bench, port: int) -> None:
    """An e-mail is not sent once its link has expired."""
    enroll(bench, "rivera")
    bench.clock.now += timedelta(days=7)
    sink = Sink()
    with listening(sink, port):
        assert mailer(bench, port).deliver() == 0
    assert sink.got == []
    assert outbox(bench.engine, bench.clock()).emails[0].state == "not sent (link expired)"


def prefer(bench: Bench, email: str | None, *, paperless: bool = True) -> None:
    """Store a customer's preference."""
    answer = bench.service.StoreCustomerPreference(
        **ask(),
        CustomerID=number("rivera"),
        InvoiceType="WATER",
        Paperless=paperless,
        EmailAddress=email,
    )
    assert answer.Success


def complete(bench: Bench) -> None:
    """Text a link, and complete the registration through it."""
    bench.service.SendWebLink(
        **ask(), CustomerID=number("rivera"), InvoiceType="WATER", PhoneNumber="2175550180"
    )
    link = outbox(bench.engine, bench.clock()).texts[-1].link
    assert Links(bench.service).complete(link.rpartition("/")[2]).standing is Standing.DONE


ENDS: dict[str, tuple[Callable[[Bench], None], list[str], str]] = {
    "replaced": (lambda b: prefer(b, "second@example.com"), ["second@example.com"], "replaced"),
    "canceled": (lambda b: prefer(b, None, paperless=False), [], "cancelled"),
    "completed by another link": (complete, [], "replaced"),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("later", [False, True])
def test_a_link_that_is_of_no_use_is_not_sent(
    bench: Bench, port: int, how: str, later: bool
) -> None:
    """An e-mail is not sent once its link cannot be used, whether it was tried before or not."""
    change, delivered, state = ENDS[how]
    prefer(bench, "first@example.com")
    sink = Sink({"first@example.com": "451 Later"})
    with listening(sink, port):
        if later:
            assert mailer(bench, port).deliver() == 0
            sink.answers.clear()
        change(bench)
        bench.clock.now += RETRY
        mailer(bench, port).deliver()

    assert [message["To"] for message in sink.got] == delivered
    assert outbox(bench.engine, bench.clock()).emails[0].state == f"not sent (link {state})"


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


@pytest.mark.requirement("R49")
def test_a_mail_server_that_is_away_is_logged_once(port: int, capfd: Any) -> None:
    """While the server is away, the log has one line, and another once it is back."""
    with running(smtp=("127.0.0.1", port)) as service:
        service.operations.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))
        seen = ""

        def logged(word: str) -> int:
            nonlocal seen
            seen += capfd.readouterr().out
            return seen.count(word)

        eventually(lambda: logged("cloudivr.mail_waits") > 0)
        time.sleep(3.5 * LOOK_S)
        assert logged("cloudivr.mail_waits") == 1
        sink = Sink()
        with listening(sink, port):
            eventually(lambda: len(sink.got) == 1)
            eventually(lambda: logged("cloudivr.mail_goes_out") == 1)
