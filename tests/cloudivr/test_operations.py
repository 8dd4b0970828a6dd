"""The operations besides `EnrollInPaperless`: each answer, each code, and what stays the same."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.codes import Code
from paperless_ivr.cloudivr.operations import CloudIVR
from tests.cloudivr.benches import Bench, ask, customer, enrollment, guid, number

NOBODY = 123456


def prefer(handle: str = "rivera", **other: Any) -> dict[str, Any]:
    """Return the fields of a preference for a paperless water bill."""
    return {
        **ask(),
        "CustomerID": number(handle),
        "InvoiceType": "WATER",
        "Paperless": True,
        "EmailAddress": "typed.here@example.com",
        "ConsentReference": "consent-1",
        "IdempotencyKey": "key-1",
        **other,
    }


def text(handle: str = "rivera", **other: Any) -> dict[str, Any]:
    """Return the fields of a text about the water bill."""
    return {
        **ask(),
        "CustomerID": number(handle),
        "InvoiceType": "WATER",
        "PhoneNumber": "+12175550180",
        "Purpose": "review",
        "ConsentReference": "consent-1",
        "IdempotencyKey": "key-1",
        **other,
    }


def autopay(handle: str = "rivera", **other: Any) -> dict[str, Any]:
    """Return the fields of AutoPay for the bill that was paid."""
    return {
        **ask(),
        "PaymentGUID": guid(handle),
        "CustomerID": number(handle),
        "InvoiceType": "WATER",
        "ConsentReference": "consent-1",
        "IdempotencyKey": "key-1",
        **other,
    }


REQUESTS: dict[str, Any] = {
    "InvoiceExists": lambda **o: {**ask(), "AccountNumber": "20481137", **o},
    "SearchByAccountNumber": lambda **o: {**ask(), "AccountNumber": "20481137", **o},
    "SearchByCustomerPhoneNumber": lambda **o: {**ask(), "PhoneNumber": "2175550101", **o},
    "EnrollInPaperless": lambda **o: enrollment(**{"PaymentGUID": guid("rivera"), **o}),
    "StoreCustomerPreference": prefer,
    "SendWebLink": text,
    "StoreCustomerPaymentMethodV2": autopay,
}


@pytest.mark.requirement("R20", "R22")
@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"PartnerKey": "demo-key-that-everybody-know"}, Code.PARTNER_REFUSED),
        ({"PartnerGUID": "' OR '1'='1"}, Code.PARTNER_REFUSED),
        ({"BillerGUID": "00000000-0000-4000-8000-0000000b0009"}, Code.BILLER_UNKNOWN),
    ],
)
def test_who_asks(bench: Bench, operation: str, fields: dict[str, str], code: Code) -> None:
    """Every operation refuses a wrong key, partner, or biller, and changes nothing."""
    before = bench.dump()

    answer = getattr(bench.service, operation)(**REQUESTS[operation](**fields))

    assert (answer.ErrorCode, answer.Message) == (code, code.message)
    assert before == bench.dump()


@pytest.mark.parametrize(
    ("operation", "biller"),
    [
        ("StoreCustomerPreference", "lakeside-parking"),
        ("SendWebLink", "lakeside-parking"),
        ("StoreCustomerPaymentMethodV2", "elm-energy"),
    ],
)
def test_product(bench: Bench, operation: str, biller: str) -> None:
    """A write requires its product."""
    answer = getattr(bench.service, operation)(**REQUESTS[operation](**ask(biller)))

    assert (answer.Success, answer.ErrorCode) == (False, Code.NO_PRODUCT)


@pytest.mark.parametrize(
    ("operation", "fields", "code"),
    [
        ("StoreCustomerPreference", {"CustomerID": NOBODY}, Code.CUSTOMER_NOT_FOUND),
        ("StoreCustomerPreference", {"CustomerID": number("moreno")}, Code.CUSTOMER_NOT_FOUND),
        ("StoreCustomerPreference", {"InvoiceType": "GAS"}, Code.INVOICE_TYPE_NOT_FOUND),
        ("StoreCustomerPreference", {"InvoiceType": None}, Code.INVOICE_TYPE_NOT_FOUND),
        ("StoreCustomerPreference", {"InvoiceType": "ELECTRIC"}, Code.INVOICE_TYPE_NOT_FOUND),
        ("StoreCustomerPreference", {"EmailAddress": "no address"}, Code.BAD_EMAIL),
        ("StoreCustomerPreference", {"EmailAddress": None}, Code.BAD_EMAIL),
        ("StoreCustomerPreference", {"CustomerID": number("dubois")}, Code.ALREADY_ENROLLED),
        ("SendWebLink", {"CustomerID": NOBODY}, Code.CUSTOMER_NOT_FOUND),
        ("SendWebLink", {"CustomerID": number("moreno")}, Code.CUSTOMER_NOT_FOUND),
        ("SendWebLink", {"InvoiceType": "GAS"}, Code.INVOICE_TYPE_NOT_FOUND),
        ("SendWebLink", {"PhoneNumber": "217555"}, Code.BAD_PHONE),
        ("SendWebLink", {"PhoneNumber": None}, Code.BAD_PHONE),
        ("SendWebLink", {"PhoneNumber": "my number is 217 555 0180"}, Code.BAD_PHONE),
        ("SendWebLink", {"PhoneNumber": "account 20481137 01"}, Code.BAD_PHONE),
        ("SendWebLink", {"PhoneNumber": "2175550180; 2175550181"}, Code.BAD_PHONE),
        ("SendWebLink", {"PhoneNumber": "user-12345-67890"}, Code.BAD_PHONE),
        (
            "StoreCustomerPreference",
            {"EmailAddress": None, "PhoneNumber": "call me"},
            Code.BAD_PHONE,
        ),
        ("SendWebLink", {"PhoneNumber": "(217) 555-0114"}, Code.BAD_PHONE),
        ("StoreCustomerPaymentMethodV2", {"PaymentGUID": None}, Code.PAYMENT_NOT_FOUND),
        ("StoreCustomerPaymentMethodV2", {"PaymentGUID": guid("moreno")}, Code.PAYMENT_NOT_FOUND),
        ("StoreCustomerPaymentMethodV2", {"CustomerID": number("chen")}, Code.PAYMENT_DIFFERS),
        ("StoreCustomerPaymentMethodV2", {"CustomerID": NOBODY}, Code.PAYMENT_DIFFERS),
        ("StoreCustomerPaymentMethodV2", {"InvoiceType": "SEWER"}, Code.PAYMENT_DIFFERS),
        ("StoreCustomerPaymentMethodV2", {"InvoiceType": "water"}, Code.PAYMENT_DIFFERS),
        ("StoreCustomerPaymentMethodV2", {"InvoiceType": ""}, Code.PAYMENT_DIFFERS),
        ("StoreCustomerPaymentMethodV2", {"PaymentGUID": guid("chen")}, Code.PAYMENT_DIFFERS),
    ],
)
def test_refusals(bench: Bench, operation: str, fields: dict[str, Any], code: Code) -> None:
    """An invalid request is refused with its code, and only the answer is kept."""
    kept = (t.ActivityLog, t.PreferenceAnswer)
    before = bench.dump(but=kept)

    answer = getattr(bench.service, operation)(**REQUESTS[operation](**fields))

    assert (answer.Success, answer.ErrorCode, answer.Message) == (False, code, code.message)
    assert before == bench.dump(but=kept)
    assert bench.steps()[-1][1] == code


def test_codes() -> None:
    """Each code has its own sentence."""
    assert all(code.message.endswith(".") for code in Code)
    assert len({code.message for code in Code}) == len(Code)


# ── searches ─────────────────────────────────────────────────────────────────────────────


def found(answer: Any) -> list[int]:
    """Return who was found."""
    assert answer.Success
    return [who.CustomerID for who in answer.Customers]


@pytest.mark.requirement("R20")
def test_another_billers_customer(bench: Bench) -> None:
    """The same account and telephone number find each biller's own customer."""
    for biller, handle in (("springfield-water", "rivera"), ("elm-energy", "moreno")):
        account = bench.service.SearchByAccountNumber(**ask(biller), AccountNumber="20481137")
        phone = bench.service.SearchByCustomerPhoneNumber(**ask(biller), PhoneNumber="2175550101")
        assert found(account) == found(phone) == [number(handle)]


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("blank", [None, "", " ", "\t\n", "\u00a0"])
@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("SearchByAccountNumber", "AccountNumber"),
        ("SearchByCustomerPhoneNumber", "PhoneNumber"),
        ("InvoiceExists", "AccountNumber"),
        ("InvoiceExists", "InvoiceNumber"),
    ],
)
def test_a_blank_is_not_looked_for(
    bench: Bench, operation: str, field: str, blank: str | None
) -> None:
    """A read without a subject is refused: nothing was searched for, so no one is absent."""
    fields = {"InvoiceNumber": "8113701"} if operation == "InvoiceExists" else {}
    request = REQUESTS[operation](**{**fields, field: blank})

    answer = getattr(bench.service, operation)(**request)

    assert (answer.Success, answer.ErrorCode) == (False, Code.FIELD_MISSING)
    assert bench.steps()[-1][1] == Code.FIELD_MISSING


@pytest.mark.parametrize(
    "asked", ["anonymous", "+1", "5550101", "rivera 217 555 0101", "sip:2175550101@host"]
)
def test_no_number(bench: Bench, asked: str | None) -> None:
    """An incomplete number finds no one, least of all those who have none."""
    assert found(bench.service.SearchByCustomerPhoneNumber(**ask(), PhoneNumber=asked)) == []
    assert found(bench.service.SearchByAccountNumber(**ask(), AccountNumber=asked)) == []


@pytest.mark.parametrize("asked", ["park", "park-rental"])
def test_holder(bench: Bench, asked: str) -> None:
    """Any account of a holder finds all of the holder's accounts."""
    account = customer(asked).account.reveal()

    answer = bench.service.SearchByAccountNumber(**ask(), AccountNumber=account)

    assert found(answer) == [number("park"), number("park-rental")]


@pytest.mark.parametrize(
    ("fields", "exists"),
    [
        ({"AccountNumber": "20481137", "InvoiceNumber": "8113701"}, True),
        ({"AccountNumber": "20481137", "InvoiceNumber": "8113702"}, False),
        ({"AccountNumber": "20482245", "InvoiceNumber": "8113701"}, False),
        ({"AccountNumber": "20493450", "InvoiceNumber": "9345001"}, False),
    ],
)
def test_invoice(bench: Bench, fields: dict[str, str], exists: bool) -> None:
    """An invoice exists under its own account, until it is withdrawn."""
    answer = bench.service.InvoiceExists(**ask(), **fields)

    assert (answer.Success, answer.ErrorCode, answer.Exists) == (True, 0, exists)


def test_reads_change_nothing(bench: Bench) -> None:
    """A read leaves nothing behind but its line in the activity log."""
    before = bench.dump()
    for operation in ("InvoiceExists", "SearchByAccountNumber", "SearchByCustomerPhoneNumber"):
        getattr(bench.service, operation)(**REQUESTS[operation]())

    assert before == bench.dump()
    assert bench.steps()[-1] == ("FindCustomers", 0)


# ── writes ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R23", "R31")
@pytest.mark.parametrize(
    "operation", ["StoreCustomerPreference", "SendWebLink", "StoreCustomerPaymentMethodV2"]
)
def test_key(bench: Bench, operation: str) -> None:
    """A write that many send with one key is done once, and always gets the same answer."""
    act = getattr(bench.service, operation)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: act(**REQUESTS[operation]()), range(8)))
    after = bench.dump()

    bench.clock.passes(days=30)
    answers.append(act(**REQUESTS[operation]()))

    assert {answer.ErrorCode for answer in answers} == {Code.NONE}
    assert after == bench.dump()


def test_key_of_another(bench: Bench) -> None:
    """A key belongs to one operation, biller, and partner."""
    bench.service.SendWebLink(**text(IdempotencyKey="same"))
    elm = ask("elm-energy") | {"CustomerID": number("moreno"), "InvoiceType": "ELECTRIC"}
    own = {
        "PartnerGUID": "00000000-0000-4000-8000-0000000a0002",
        "PartnerKey": "another-key-that-everybody-knows",
    }

    bench.service.SendWebLink(**text(**elm, IdempotencyKey="same"))
    bench.service.SendWebLink(**text(**{**elm, **own}, IdempotencyKey="same"))
    bench.service.StoreCustomerPreference(**prefer(IdempotencyKey="same"))

    assert (len(bench.rows(t.TextQueue)), len(bench.rows(t.EmailQueue))) == (3, 1)


@pytest.mark.requirement("R23", "R31")
@pytest.mark.parametrize(
    ("operation", "other"),
    [
        ("StoreCustomerPreference", {"EmailAddress": "another@example.com"}),
        ("StoreCustomerPreference", {"Paperless": False, "EmailAddress": None}),
        ("StoreCustomerPreference", {"CustomerID": number("chen")}),
        ("SendWebLink", {"PhoneNumber": "+12175550181"}),
        ("SendWebLink", {"Purpose": "type_email"}),
        ("StoreCustomerPaymentMethodV2", {"PaymentGUID": guid("chen")}),
    ],
)
def test_key_with_other_content(bench: Bench, operation: str, other: dict[str, Any]) -> None:
    """A key with other content is refused, changes nothing, and keeps its first content."""
    act = getattr(bench.service, operation)
    act(**REQUESTS[operation]())
    before = bench.dump()

    refused = act(**REQUESTS[operation](**other))

    assert (refused.Success, refused.ErrorCode) == (False, Code.KEY_REUSED)
    assert act(**REQUESTS[operation]()).ErrorCode == Code.NONE
    assert before == bench.dump()


@pytest.mark.requirement("R23", "R31")
def test_one_key_with_two_contents_at_once(bench: Bench) -> None:
    """If two contents arrive at the same time with one key, one of them is done."""
    numbers = ["+12175550180", "+12175550181"] * 4
    with ThreadPoolExecutor(8) as pool:
        asked = [text(PhoneNumber=number) for number in numbers]
        answers = list(pool.map(lambda fields: bench.service.SendWebLink(**fields), asked))

    (sent,) = bench.rows(t.TextQueue)
    assert [answer.ErrorCode for answer in answers] == [
        Code.NONE if number == sent.PhoneNumber else Code.KEY_REUSED for number in numbers
    ]


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("operation", REQUESTS)
def test_every_operation_logs_its_parameters(bench: Bench, operation: str) -> None:
    """The first step of each one has all parameters, masked."""
    getattr(bench.service, operation)(**REQUESTS[operation]())

    logged = bench.rows(t.ActivityLog)[0].Parameters
    assert "PartnerKey=<credential:hidden>" in logged
    personal = ["20481137", "8113701", "2175550", str(number("rivera")), guid("rivera"), "typed"]
    assert [value for value in personal if value in logged] == []


TEXTS = {
    name: [
        *ask(),
        *(
            field
            for field, kind in getattr(CloudIVR, name).__annotations__.items()
            if kind == str | None and field != "IdempotencyKey"
        ),
    ]
    for name in REQUESTS
}
"""The fields of each operation in which a client can write text."""
PERSONAL = [
    "rivera",
    guid("rivera"),
    "00000000-0000-4000-8000-0000000b000f",
    "es-RIVERA",
    "20481137",
    "jane.rivera@example.com",
]


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("value", PERSONAL)
@pytest.mark.parametrize("operation", REQUESTS)
def test_a_value_in_any_field_is_masked(bench: Bench, operation: str, value: str) -> None:
    """Text that a client writes in a field is not in the log, whatever it looks like."""
    fields = dict.fromkeys(TEXTS[operation], value)
    getattr(bench.service, operation)(**REQUESTS[operation](**fields))

    logged = bench.rows(t.ActivityLog)[0].Parameters
    assert "rivera" not in logged.lower()
    assert value not in logged


@pytest.mark.requirement("R24")
def test_what_is_nobodys_is_shown(bench: Bench) -> None:
    """Values that the service itself knows, and that are not personal, are logged unchanged."""
    bench.service.StoreCustomerPreference(**prefer(Language="es-US", ConsentReference="rivera"))
    bench.service.SendWebLink(**text(Purpose="type_email"))

    preferred, texted = [
        row.Parameters for row in bench.rows(t.ActivityLog) if row.Step == "LogRequest"
    ]
    biller = ask()["BillerGUID"]
    assert preferred.startswith(f"BillerGUID={biller}, PartnerGUID=<credential:hidden>, ")
    assert "InvoiceType=WATER, Paperless=True, " in preferred
    assert ", Language=es" in preferred
    assert ", ConsentReference=<text:6>" in preferred
    assert "Purpose=type_email" in texted


@pytest.mark.parametrize("key", [None, ""])
def test_no_key(bench: Bench, key: str | None) -> None:
    """Without a key, each request counts."""
    for _ in range(2):
        bench.service.SendWebLink(**text(IdempotencyKey=key))

    assert len(bench.rows(t.TextQueue)) == 2


def test_long_key(bench: Bench) -> None:
    """A key may have any length."""
    key = "k" * 100_000
    answers = [bench.service.SendWebLink(**text(IdempotencyKey=key)) for _ in range(2)]

    assert [a.ErrorCode for a in answers] == [0, 0]
    assert len(bench.rows(t.TextQueue)) == 1


def test_failure_is_not_kept_under_a_key(bench: Bench) -> None:
    """A write that failed at the service can be retried with its key."""
    t.TextQueue.__table__.drop(bench.engine)
    failed = bench.service.SendWebLink(**text())
    t.Base.metadata.create_all(bench.engine)

    assert [failed.ErrorCode, bench.service.SendWebLink(**text()).ErrorCode] == [500, 0]


def test_consent_is_kept(bench: Bench) -> None:
    """Registrations, texts, and AutoPay keep the reference of the consent."""
    bench.service.StoreCustomerPreference(**prefer())
    bench.service.SendWebLink(**text())
    bench.service.StoreCustomerPaymentMethodV2(**autopay())

    (registration,) = [
        row for row in bench.rows(t.PaperlessRegistration) if number("rivera") == row.CustomerID
    ]
    (sent,), (method,) = bench.rows(t.TextQueue), bench.rows(t.AutoPay)
    assert registration.ConsentReference == "consent-1"
    assert sent.ConsentReference == method.ConsentReference == "consent-1"


def test_autopay_again(bench: Bench) -> None:
    """A bill is on AutoPay once, with the latest consent."""
    bench.service.StoreCustomerPaymentMethodV2(**autopay())
    again = {"IdempotencyKey": "key-2", "ConsentReference": "consent-2"}
    bench.service.StoreCustomerPaymentMethodV2(**autopay(**again))

    assert [row.ConsentReference for row in bench.rows(t.AutoPay)] == ["consent-2"]


def test_limit(bench: Bench) -> None:
    """After the limit of messages in 24 hours, a customer gets no more, but others still do."""
    codes = [bench.service.SendWebLink(**text(IdempotencyKey=f"k{n}")).ErrorCode for n in range(21)]
    assert codes == [Code.NONE] * 20 + [Code.LIMIT]
    before = bench.dump()
    assert (
        bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera"))).ErrorCode
        == Code.LIMIT
    )
    assert before == bench.dump()
    assert (
        bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("chen"))).ErrorCode
        == Code.NONE
    )

    bench.clock.passes(days=1)

    assert (
        bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera"))).ErrorCode
        == Code.NONE
    )


@pytest.mark.requirement("R31")
def test_opposite_wishes_at_once(bench: Bench) -> None:
    """Whatever is asked at the same time, the bill has one state, and only its links are open."""
    wishes = [(n % 2 == 0, f"key-{n}") for n in range(12)]

    def wish(paperless: bool, key: str) -> int:
        fields = prefer(Paperless=paperless, IdempotencyKey=key)
        return int(bench.service.StoreCustomerPreference(**fields).ErrorCode)

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda w: wish(*w), wishes))

    open_links = [link for link in bench.rows(t.WebLink) if link.Status == "open"]
    assert codes == [Code.NONE] * 12
    assert len(bench.rows(t.EmailQueue)) == 6
    assert len(open_links) == {"pending": 1, "cancelled": 0}[bench.status("rivera")]
