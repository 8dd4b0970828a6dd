"""A call is saved and read back unchanged, and nothing else is accepted as one."""

import enum
import json
import traceback
import types
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, get_args, get_origin

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.errors import BrokenCall, OtherSchema, SavedCallError
from paperless_ivr.flow import slots
from paperless_ivr.flow.call import Call, Choosing, Consent, Contact, Purpose, Shown, Source, Tries
from paperless_ivr.flow.events import Customer, Invoice
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment, Payment, Release
from paperless_ivr.flow.saving import SCHEMA, dump, load
from paperless_ivr.flow.states import State
from paperless_ivr.secret import Kind, Secret
from paperless_ivr.testing.strategies import flows, walks
from tests.counts import heavy

pytestmark = pytest.mark.requirement("R42")

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    int: st.integers(),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    date: st.dates(),
    Secret: st.builds(Secret, st.text(max_size=20), st.sampled_from(Kind)),
    type(None): st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Draw any value of a type in a call, reachable or not."""
    if kind in LEAVES:
        return LEAVES[kind]
    if get_origin(kind) is tuple:
        first, *rest = get_args(kind)
        if rest == [...]:
            return st.lists(any_of(first), max_size=2).map(tuple)
        return st.tuples(any_of(first), *map(any_of, rest))
    if isinstance(kind, types.UnionType):
        return st.one_of([any_of(part) for part in get_args(kind)])
    if issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    fields = attrs.fields(attrs.resolve_types(kind))
    return st.builds(kind, **{field.alias: any_of(field.type) for field in fields})


def secrets(value: Any) -> Iterator[Secret]:
    """Return every secret in a value, in order."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from secrets(item)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from secrets(getattr(value, field.name))


FULL = Call(
    host=Arrival(
        "call-1",
        "biller-x",
        moment=Moment.AFTER_PAYMENT,
        ani=secret.phone("+12125550123"),
        greeted=True,
        payment=Payment(secret.payment("0f-1"), approved=True, email=secret.email("a@b.example")),
        edition=Release("f1", "p1", "w1"),
    ),
    state=State.CONFIRMATION,
    language="es-US",
    lead=("no_match",),
    tries=Tries(wrong=1),
    found=(
        Customer(
            secret.customer("C1"),
            secret.account("10024"),
            (
                Invoice(
                    secret.invoice("INV-7"),
                    "WATER",
                    Decimal("41.50"),
                    date(2026, 12, 1),
                    paperless=False,
                    pending=True,
                ),
            ),
            name=secret.name("Zoë"),
        ),
    ),
    shown=Shown(by_host=(secret.account("10024"),)),
    choosing=Choosing(customer=0, type="WATER", done=((0, "GAS"),)),
    contact=Contact(Source.KEYED, secret.email("pat@example.com")),
    consents=(
        Consent(
            "call-1-1",
            "springfield-water",
            Purpose.ENROLL,
            ("confirm_keyed",),
            (
                ("bill", slots.Words("agua")),
                ("address", slots.Spelled(secret.email("pat@example.com"))),
                ("amount", slots.Money(Decimal("41.50"))),
                ("bills_on_paper", slots.Count(2)),
            ),
            "1",
            "es-US",
            secret.customer("C1"),
            secret.account("10024"),
            "GAS",
        ),
    ),
)
"""A call with every kind of value."""

SAVED = (
    '{"schema":4,"call":{"host":{"call_id":"call-1","biller":"biller-x","moment":"AFTER_PAYMENT",'
    '"ani":"PHONE:+12125550123","greeted":true,"payment":{"guid":"PAYMENT:0f-1","approved":true,'
    '"email":"EMAIL:a@b.example"},"edition":{"flow":"f1","policy":"p1","words":"w1"}},'
    '"state":"CONFIRMATION","language":"es-US","lead":["no_match"],'
    '"tries":{"wrong":1},"found":[{"id":"CUSTOMER:C1","account":"ACCOUNT:10024","invoices":['
    '{"number":"INVOICE:INV-7","type":"WATER","amount":"41.50","due":"2026-12-01",'
    '"paperless":false,"pending":true}],"name":"NAME:Zoë"}],'
    '"shown":{"by_host":["ACCOUNT:10024"]},'
    '"choosing":{"customer":0,"type":"WATER","done":[[0,"GAS"]]},'
    '"contact":{"source":"KEYED","email":"EMAIL:pat@example.com"},'
    '"consents":[{"reference":"call-1-1","biller":"springfield-water","purpose":"ENROL","prompts":["confirm_keyed"],'
    '"slots":[["bill",{"text":"agua","is":"Words"}],'
    '["address",{"text":"EMAIL:pat@example.com","is":"Spelt"}],'
    '["amount",{"amount":"41.50","is":"Money"}],["bills_on_paper",{"number":2,"is":"Count"}]],'
    '"key":"1","language":"es-US","customer":"CUSTOMER:C1","account":"ACCOUNT:10024",'
    '"invoice_type":"GAS"}]}}'
).encode()
"""The same call as it is saved. Calls that are live during an update look like this."""


def assert_kept(call: Call) -> None:
    """Assert that the call comes back the same, with the kinds of its secrets."""
    saved = dump(call)
    back = load(saved)

    assert call == back
    assert [s.kind for s in secrets(call)] == [s.kind for s in secrets(back)]
    assert hash(call) == hash(back)
    assert saved == dump(back)


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(30, 100))
@given(st.data())
def test_reachable_calls_come_back(data: st.DataObject) -> None:
    """Every call of a walk is read back as it was saved."""
    for step in data.draw(walks(data.draw(flows()))):
        assert_kept(step.turn.call)


@settings(deadline=None, max_examples=50)
@given(any_of(Call))
def test_any_call_comes_back(call: Call) -> None:
    """Every call that the types allow is read back as it was saved."""
    assert_kept(call)


@settings(deadline=None, max_examples=200)
@given(any_of(Consent))
def test_any_consent_comes_back(consent: Consent) -> None:
    """Every consent, with slots of any kind, is read back as it was saved."""
    assert_kept(attrs.evolve(FULL, consents=(consent,)))


def test_lone_surrogates_come_back() -> None:
    """Text that is not Unicode, as a service may send, is kept as it is."""
    assert_kept(attrs.evolve(FULL, language="\ud83d\ude00"))


def test_form() -> None:
    """The format stays the same: what was saved is read, and saved the same way."""
    assert load(SAVED) == FULL
    assert dump(FULL) == SAVED


def test_release_is_kept() -> None:
    """A call finishes on the release that it began with."""
    assert Release("f1", "p1", "w1") == load(dump(FULL)).host.edition


@pytest.mark.parametrize("schema", [0, 1, 2, 3, 5, -1, 10**30])
def test_other_schema(schema: int) -> None:
    """A call in another format is distinguished from a broken one, whatever it looks like."""
    with pytest.raises(OtherSchema, match=f"format {schema}; this version reads format {SCHEMA}"):
        load(json.dumps({"schema": schema, "call": "other"}).encode())


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "$"),
        (b"{", "$"),
        (b"\xff\xfe", "$"),
        (b"[" * 200_000, "$"),
        (b"1" * 5_000, "$"),
        (b"[]", "$"),
        (b"null", "$"),
        (b"{}", "$.schema"),
        (b'{"schema":4}', "$.call"),
        (b'{"schema":true,"call":{}}', "$.schema"),
        (b'{"schema":"3","call":{}}', "$.schema"),
        (b'{"schema":4.0,"call":{}}', "$.schema"),
        (b'{"schema":4,"call":{}}', "$.call.host"),
        (SAVED[:-1] + b',"more":1}', "$"),
        (SAVED.replace(b'"wrong":1', b'"wrong":1,"more":1'), "$.call.tries"),
        (SAVED.replace(b'"wrong":1', b'"wrong":NaN'), "$.call.tries.wrong"),
        (SAVED.replace(b'"key":"1",', b""), "$.call.consents[0].key"),
        (SAVED.replace(b'"CONFIRMATION"', b'"ABSENT"'), "$.call.state"),
        (SAVED.replace(b'"KEYED"', b'"keyed"'), "$.call.contact.source"),
        (SAVED.replace(b'"Words"', b'"Parrot"'), "$.call.consents[0].slots[0]"),
        (SAVED.replace(b'"ENROL"', b'"ENROLL"'), "$.call.consents[0].purpose"),
        (SAVED.replace(b'"Spelt"', b'"Spelled"'), "$.call.consents[0].slots[1]"),
        (SAVED.replace(b',"is":"Words"', b""), "$.call.consents[0].slots[0]"),
        (SAVED.replace(b'"NAME:Zo', b'"WHO:Zo'), "$.call.found[0].name"),
        (SAVED.replace(b'"NAME:Zo', b'"Zo'), "$.call.found[0].name"),
        (SAVED.replace(b'[0,"GAS"]', b'[0,"GAS",0]'), "$.call.choosing.done[0]"),
        (SAVED.replace(b'[0,"GAS"]', b"[0]"), "$.call.choosing.done[0]"),
        (SAVED.replace(b'"due":"2026-12-01"', b'"due":"20261201"'), ".invoices[0].due"),
        (SAVED.replace(b'"due":"2026-12-01"', b'"due":"2026-02-30"'), ".invoices[0].due"),
        (SAVED.replace(b'"41.50","due"', b'"4_1.50","due"'), ".invoices[0].amount"),
        (SAVED.replace(b'"41.50","due"', b'" 41.50","due"'), ".invoices[0].amount"),
        (SAVED.replace(b'"41.50","due"', b'"much","due"'), ".invoices[0].amount"),
    ],
)
def test_broken(data: bytes, where: str) -> None:
    """Text that does not look like a dump is refused, with the place of the problem."""
    with pytest.raises(BrokenCall) as caught:
        load(data)

    assert caught.value.where.endswith(where)


def outcome(data: bytes) -> Call | SavedCallError:
    """Return the call or the error. No other error is allowed."""
    try:
        return load(data)
    except SavedCallError as error:
        return error


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Return the path of every value in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def put(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return the document with another value at a path."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = put(document[path[0]], path[1:], value)
    return copy


DOCUMENT = json.loads(SAVED)
OTHERS: tuple[Any, ...] = ("no", "", "1", 7, 0, 1.0, True, False, [], {}, ["x"], {"x": 1})

every_place = pytest.mark.parametrize(
    "path", list(places(DOCUMENT)), ids=lambda path: ".".join(map(str, path)) or "$"
)


@every_place
def test_nothing_is_converted(path: tuple[str | int, ...]) -> None:
    """No value is accepted for one of another type: no `bool("no")`, no `str(1)`, no `int("1")`."""
    there = DOCUMENT
    for key in path:
        there = there[key]

    for other in OTHERS:
        if type(other) is not type(there):
            with pytest.raises(SavedCallError):
                load(json.dumps(put(DOCUMENT, path, other)).encode())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ENROLLED", "EMAIL:x", "Words", "2026-01-01", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(100, 400))
@given(st.data())
def test_hostile_documents(data: st.DataObject) -> None:
    """A dump with something else in it is a call that is saved the same way, or is refused."""
    document = DOCUMENT
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = put(document, path, data.draw(JSON))

    call = outcome(json.dumps(document).encode())

    if isinstance(call, Call):
        assert_kept(call)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60), st.integers(0, len(SAVED)), st.integers(0, len(SAVED)))
@example(b"", len(SAVED) - 1, len(SAVED))
def test_hostile_bytes(data: bytes, start: int, end: int) -> None:
    """Bytes inside a dump, or alone, are a call that is saved the same way, or are refused."""
    for hostile in (data, SAVED[:start] + data + SAVED[end:]):
        call = outcome(hostile)
        if isinstance(call, Call):
            assert_kept(call)


@pytest.mark.requirement("R24")
@every_place
def test_errors_tell_no_value(path: tuple[str | int, ...]) -> None:
    """An error names the place, never the value that was there."""
    for telling in ("4839201744", ["4839201744"], {"4839201744": 4839201744}):
        error = outcome(json.dumps(put(DOCUMENT, path, telling)).encode())

        if not isinstance(error, Call):
            shown = "".join(traceback.format_exception(error))
            assert "4839201744" not in shown + repr(error)
            assert error.__context__ is None


def test_small() -> None:
    """A new call takes little space."""
    call = Flow().begin(Arrival("c-20261122-000017", "biller-x", language="en-US")).call

    assert len(dump(call)) < 250
