"""`EnrollInPaperless`, step by step."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.codes import Code
from tests.cloudivr.benches import Bench, ask, customer, enrollment, guid, number

ADMITTED = [("LogRequest", 0), ("ValidatePartner", 0), ("ValidateBillerAndProduct", 0)]
STARTED = [
    ("UpdateCustomerEmail", 0),
    ("InsertPendingRegistration", 0),
    ("QueueEmail", 0),
    ("StartPaperlessRegistrationForCustomer", 0),
]


@pytest.mark.requirement("R21", "R22")
def test_steps(bench: Bench) -> None:
    """Every step is taken in order and logged, and the bill is pending, not active."""
    answer = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("chen")))

    assert (answer.EnrollmentSuccessful, answer.Message, answer.ErrorCode) == (True, "Done.", 0)
    assert bench.status("chen") == "pending"
    assert bench.steps() == [
        *ADMITTED,
        ("FetchPayment", 0),
        ("ValidateEmail", 0),
        ("CheckRegistration", 0),
        *STARTED,
    ]
    assert len({row.RequestID for row in bench.rows(t.ActivityLog)}) == 1


@pytest.mark.requirement("R22")
def test_what_is_started(bench: Bench) -> None:
    """The payment's e-mail becomes the customer's, and one e-mail is queued to it."""
    bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("chen")))

    (email,) = bench.rows(t.EmailQueue)
    (chen,) = [c for c in bench.rows(t.Customer) if number("chen") == c.CustomerID]
    assert email.EmailAddress == chen.EmailAddress == "lily.at.work@example.com"
    assert email.Link.startswith("http://billing.test/paperless/")


LAST_STEP = {
    Code.PARTNER_REFUSED: "ValidatePartner",
    Code.BILLER_UNKNOWN: "ValidateBillerAndProduct",
    Code.NO_PRODUCT: "ValidateBillerAndProduct",
    Code.PAYMENT_NOT_FOUND: "FetchPayment",
    Code.BAD_EMAIL: "ValidateEmail",
    Code.ALREADY_ENROLLED: "CheckRegistration",
    Code.PENDING: "CheckRegistration",
}


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"PartnerKey": "wrong"}, Code.PARTNER_REFUSED),
        ({"PartnerKey": ""}, Code.PARTNER_REFUSED),
        ({"PartnerKey": None}, Code.PARTNER_REFUSED),
        ({"PartnerGUID": "00000000-0000-4000-8000-000000000000"}, Code.PARTNER_REFUSED),
        ({"PartnerGUID": None}, Code.PARTNER_REFUSED),
        ({"BillerGUID": "springfield-water"}, Code.BILLER_UNKNOWN),
        ({"BillerGUID": None}, Code.BILLER_UNKNOWN),
        (ask("lakeside-parking"), Code.NO_PRODUCT),
        ({"PaymentGUID": "00000000-0000-0000-0000-000000000000"}, Code.PAYMENT_NOT_FOUND),
        ({"PaymentGUID": None}, Code.PAYMENT_NOT_FOUND),
        ({"PaymentGUID": guid("moreno")}, Code.PAYMENT_NOT_FOUND),
        ({"PaymentGUID": "' OR 1=1 --"}, Code.PAYMENT_NOT_FOUND),
        ({"PaymentGUID": guid("okafor")}, Code.BAD_EMAIL),
        ({"PaymentGUID": guid("dubois")}, Code.ALREADY_ENROLLED),
        ({"PaymentGUID": guid("silva")}, Code.PENDING),
    ],
)
def test_refusals(bench: Bench, fields: dict[str, str], code: Code) -> None:
    """An invalid request is refused at its step, with its code, and changes nothing else."""
    before = bench.dump()

    answer = bench.service.EnrollInPaperless(
        **enrollment(**{"PaymentGUID": guid("rivera"), **fields})
    )

    assert (False, code.message, code) == (
        answer.EnrollmentSuccessful,
        answer.Message,
        answer.ErrorCode,
    )
    assert before == bench.dump()
    assert (LAST_STEP[code], code) == bench.steps()[-1]
    assert all(step == 0 for _, step in bench.steps()[:-1])


@pytest.mark.parametrize("written", [str.upper, "{{{}}}".format, " {} ".format])
def test_guid_as_dotnet_writes_it(bench: Bench, written: object) -> None:
    """A GUID counts in either case, and in braces."""
    fields = {k: written(v) if k.endswith("GUID") else v for k, v in ask().items()}  # type: ignore[operator]

    answer = bench.service.EnrollInPaperless(
        **enrollment(PaymentGUID=written(guid("rivera")), **fields)
    )  # type: ignore[operator]

    assert answer.EnrollmentSuccessful


def test_partner_of_another_biller(bench: Bench) -> None:
    """A partner can only ask about its own billers."""
    elm = {"PartnerGUID": "00000000-0000-4000-8000-0000000a0002"}
    elm["PartnerKey"] = "another-key-that-everybody-knows"

    own = bench.service.EnrollInPaperless(
        **enrollment(PaymentGUID=guid("moreno"), **{**ask("elm-energy"), **elm})
    )
    other = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera"), **elm))

    assert [own.ErrorCode, other.ErrorCode] == [Code.NONE, Code.BILLER_UNKNOWN]


def test_a_bill_that_is_no_longer_listed(bench: Bench) -> None:
    """A bill that was just paid is enrolled even if it has no invoice left."""
    assert bench.service.EnrollInPaperless(
        **enrollment(PaymentGUID=guid("ivanova"))
    ).EnrollmentSuccessful
    assert bench.status("ivanova") == "pending"


@pytest.mark.requirement("R31")
def test_once_of_many(bench: Bench) -> None:
    """Exactly one of many simultaneous enrollments of a bill is accepted."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: (
                    bench.service.EnrollInPaperless(
                        **enrollment(PaymentGUID=guid("rivera"))
                    ).ErrorCode
                ),
                range(16),
            )
        )

    assert sorted(answers) == [Code.NONE] + [Code.PENDING] * 15
    assert len(bench.rows(t.EmailQueue)) == 1


@pytest.mark.requirement("R31")
def test_one_row_a_bill(bench: Bench) -> None:
    """The database itself rejects a second registration of a bill."""
    (first, *_) = bench.rows(t.PaperlessRegistration)
    again = t.PaperlessRegistration(
        BillerID=first.BillerID,
        CustomerID=first.CustomerID,
        InvoiceTypeID=first.InvoiceTypeID,
        Status=t.Registered.PENDING,
        ChangedAt=bench.clock.now,
    )

    with pytest.raises(IntegrityError), Session(bench.engine) as session, session.begin():
        session.add(again)


@pytest.mark.requirement("R22", "R24")
@pytest.mark.parametrize("table", ["Customer", "PaperlessRegistration", "EmailQueue", "WebLink"])
def test_what_goes_wrong_is_rolled_back(
    bench: Bench, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception at any write changes nothing, is answered with 500, and is logged by class."""
    before = bench.dump()

    @event.listens_for(bench.engine, "before_cursor_execute")
    def fail(*execute: object) -> None:
        statement = str(execute[2])
        if statement.startswith((f'INSERT INTO "{table}"', f'UPDATE "{table}"')):
            raise RuntimeError(guid("chen"))

    answer = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("chen")))

    assert (answer.EnrollmentSuccessful, answer.ErrorCode) == (False, Code.INTERNAL)
    assert before == bench.dump()
    assert bench.steps()[-1] == ("Rollback", Code.INTERNAL)
    assert {row.Error for row in bench.rows(t.ActivityLog)} == {None, "RuntimeError"}
    told = capsys.readouterr().out
    assert "cloudivr.failed" in told
    assert guid("chen") not in told


@pytest.mark.requirement("R24")
def test_database_gone(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its tables, the service answers 500, and logs only the class."""
    t.Base.metadata.drop_all(bench.engine)

    answer = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))

    assert answer.ErrorCode == Code.INTERNAL
    told = capsys.readouterr().out
    assert "cloudivr.failed" in told
    assert "cloudivr.unlogged" in told
    assert guid("rivera") not in told


@pytest.mark.requirement("R24")
def test_nothing_personal_on_the_log(bench: Bench) -> None:
    """Neither the activity log nor printed rows and answers show who it was."""
    answer = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))
    refused = bench.service.EnrollInPaperless(
        **enrollment(PaymentGUID=guid("rivera"), PartnerKey="my key")
    )

    shown = repr(bench.dump(but=tuple(c for c in MAPPED if c is not t.ActivityLog)))
    shown += "".join(f"{row!r} {row}" for table in MAPPED for row in bench.rows(table))
    shown += f"{answer} {refused} {bench.service}"
    who = customer("rivera")
    secrets = [who.id, who.account, who.name, who.email, who.phone, who.payment.guid]
    assert [value for value in secrets if value and value.reveal() in shown] == []
    assert ask()["PartnerKey"] not in shown
    assert "my key" not in shown


MAPPED = [mapper.class_ for mapper in t.Base.registry.mappers]


def test_time(bench: Bench) -> None:
    """A link begins and ends in the service's own time."""
    bench.clock.passes(days=3)

    bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))

    (link,) = bench.rows(t.WebLink)
    assert (bench.clock.now, 7) == (link.SentAt, (link.ExpiresAt - link.SentAt).days)


@pytest.mark.requirement("R22", "R24")
def test_the_first_step_logs_the_parameters(bench: Bench) -> None:
    """Every parameter is logged by name, but no personal or secret one in clear text."""
    bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))

    first, *others = bench.rows(t.ActivityLog)

    assert first.Step == "LogRequest"
    assert first.Parameters == (
        f"BillerGUID={ask()['BillerGUID']}, PartnerGUID=<credential:hidden>, "
        "PartnerKey=<credential:hidden>, PaymentGUID=<payment:36>"
    )
    assert {row.Parameters for row in others} == {None}


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("field", ["BillerGUID", "PartnerGUID", "PartnerKey", "PaymentGUID"])
@pytest.mark.parametrize(
    "value",
    [
        "jane.rivera@example.com",
        "20481137",
        "+12175550101",
        "my secret key",
        "rivera",
        guid("rivera"),
        None,
    ],
)
def test_a_parameter_in_the_wrong_place(bench: Bench, field: str, value: str | None) -> None:
    """A value in the wrong field is not logged either, and a missing one is named."""
    bench.service.EnrollInPaperless(**enrollment(**{"PaymentGUID": guid("rivera"), field: value}))

    logged = bench.rows(t.ActivityLog)[0].Parameters
    assert f"{field}=" in logged
    assert (f"{field}=missing" in logged) == (value is None)
    assert value is None or value not in logged


@pytest.mark.requirement("R12", "R22")
def test_a_registration_expires_with_its_link(bench: Bench) -> None:
    """Once its link has expired, a registration is no longer pending, and can be started again."""
    ask_again = enrollment(PaymentGUID=guid("rivera"))
    account = customer("rivera").account.reveal()

    def pending() -> bool:
        found = bench.service.SearchByAccountNumber(**ask(), AccountNumber=account)
        return found.Customers[0].Invoices[0].PaperlessPending

    assert bench.service.EnrollInPaperless(**ask_again).EnrollmentSuccessful
    bench.clock.passes(days=7, seconds=-1)
    assert (pending(), bench.service.EnrollInPaperless(**ask_again).ErrorCode) == (
        True,
        Code.PENDING,
    )

    bench.clock.passes(seconds=1)

    assert not pending()
    assert bench.service.EnrollInPaperless(**ask_again).EnrollmentSuccessful
    assert pending()
    assert len(bench.rows(t.EmailQueue)) == 2


@pytest.mark.requirement("R12")
def test_a_later_link_keeps_a_registration_pending(bench: Bench) -> None:
    """A registration lasts as long as the last link that can complete it."""
    bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))
    bench.clock.passes(days=5)
    bench.service.SendWebLink(
        **ask(), CustomerID=number("rivera"), InvoiceType="WATER", PhoneNumber="2175550180"
    )

    bench.clock.passes(days=6)
    again = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))
    assert again.ErrorCode == Code.PENDING

    bench.clock.passes(days=1)
    again = bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))
    assert again.EnrollmentSuccessful
