"""Nothing personal is in a database in clear text, or in anything printed about it (R24)."""

import traceback
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from paperless_ivr import secret
from paperless_ivr.errors import KeyProblem
from paperless_ivr.flow.call import Call, Entry
from paperless_ivr.flow.events import Accepted, Customer, Invoice
from paperless_ivr.flow.host import Arrival, Disposition, Moment
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import EnrollInPaperless, Guess, ReserveTry, Screen, SendWebLink
from paperless_ivr.flow.saving import dump
from paperless_ivr.records.port import Activity, ActivityType, SavedCall, Task
from paperless_ivr.records.sql import Store, open_store
from paperless_ivr.records.sql.tables import VERSION_TABLE, metadata
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.testing.contracts.bench import (
    BILLER,
    Bench,
    Clock,
    deferred_of,
    evidence_of,
    preference,
)

DIGITS = st.text("0123456789", min_size=9, max_size=14)
WORD = st.text("abcdefghijklmnopqrstuvwxyzñé", max_size=9).map("Zq{}7xñ".format)  # no real word
KINDS = ("email", "phone", "ani", "account", "customer", "invoice", "payment", "name", "pressed")
PEOPLE = st.fixed_dictionaries(
    {kind: WORD if kind in ("name", "email") else DIGITS for kind in KINDS}
)


def everything(store: Store, now: Clock, told: dict[str, str], number: int) -> list:
    """Do all that a record and live calls can do with these values; return what can be printed."""
    record, calls = store.record, store.calls
    ani, account = secret.phone(told["ani"]), secret.account(told["account"])
    customer, phone = secret.customer(told["customer"]), secret.phone(told["phone"])
    email = secret.email(f"{told['email']}@example.com")
    reference = f"c{number}-1"
    consent = evolve(
        evidence_of(reference).consent,
        key=told["pressed"],
        customer=customer,
        account=account,
        email=email,
        phone=phone,
    )
    words = " ".join(told.values())
    evidence = evolve(evidence_of(reference), consent=consent, words=words, ani=ani)
    line = Activity(
        ActivityType.OFFERED, f"c{number}", BILLER, "1", now(), "OFFER", ani, (account,)
    )
    write = evolve(preference(reference), customer=customer, account=account, email=email)
    link = SendWebLink(customer, account, "WATER", phone, "review", reference, f"{reference}-t")
    enroll = EnrollInPaperless(
        secret.payment(told["payment"]), customer, account, "GAS", reference, f"{reference}-e"
    )
    request = evolve(deferred_of(reference), customer=customer, account=account, phone=phone)
    found = Customer(
        customer, account, (Invoice(secret.invoice(told["invoice"]), "WATER"),), None, email, phone
    )
    call = Call(
        Arrival(f"c{number}", BILLER, ani=ani),
        entry=Entry(so_far=secret.keys(told["pressed"])),
        found=(evolve(found, name=secret.name(told["name"])),),
        consents=(consent,),
    )
    saved = SavedCall(f"c{number}", 1, dump(call), words)
    acts = [
        lambda: record.note(line),
        lambda: record.note(evolve(line, what=ActivityType.CONSENTED, evidence=evidence)),
        lambda: record.note(evolve(line, what=ActivityType.LAST_FOUR_MISSED)),
        lambda: record.note(
            evolve(
                line, what=ActivityType.ENDED, detail={"disposition": Disposition.ENROLLED.value}
            )
        ),
        lambda: record.screen(Screen("now", BILLER, Moment.START, ani, account)),
        lambda: record.reserve(
            ReserveTry(Guess.NUMBER, BILLER, ani, (account,), f"{reference}-try"), Limits()
        ),
        lambda: record.intend(write, evidence, Limits()),
        lambda: record.intend(link, evidence, Limits()),
        lambda: record.intend(enroll, evidence, Limits()),
        lambda: record.settle(enroll.key, Accepted()),
        lambda: record.keep(request, evidence),
        lambda: record.unsettled(now()),
        record.kept,
        record.followed,
        lambda: record.claim(Task.COMPLETE, BILLER, "one", timedelta(1), now(), 9),
        lambda: record.consents(BILLER, reference),
        lambda: calls.save(saved, None),
        lambda: calls.load(saved.call_id),
    ]
    return [record, calls, line, evidence, write, saved, *(tried(act) for act in acts)]


def tried(act):
    """Return the result of something, or everything that can be printed about its error."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return [str(error), repr(error), error.__context__, error.__cause__, *told.format()]


def shown(things: list) -> str:
    """Return everything that is printed about things."""
    return "\n".join(f"{thing!r} {thing}" for thing in things)


def dumped(store) -> bytes:
    """Return the contents of a database: each column of each row, and SQLite's files."""
    rows = [
        store.database.read(lambda c, t=name: c.execute(text(f"SELECT * FROM {t}")).all())
        for name in (*metadata.tables, VERSION_TABLE)
    ]
    held = b"\n".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        for table in rows
        for row in table
        for value in row
    )
    if store.database.is_sqlite:
        file = Path(store.database.url.database)
        held += b"".join(found.read_bytes() for found in file.parent.glob(f"{file.name}*"))
    return held


@pytest.mark.requirement("R24")
def test_nothing_personal_in_clear(opened):
    """No column, file, error, or output contains an address, number, name, or pressed key."""
    store = opened(now=(clock := Clock()))
    numbers = iter(range(10_000))

    @settings(
        max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(PEOPLE)
    def check(told):
        printed = shown(everything(store, clock, told, next(numbers)))
        held = dumped(store)
        for kind, value in told.items():
            assert value not in printed, kind
            assert value.encode() not in held, kind

    check()
    assert b"springfield-water" in dumped(store)


@pytest.mark.requirement("R24")
def test_nothing_personal_in_errors(opened):
    """If a database fails, no request reveals anything, not even in the locals of a traceback."""
    store = opened(now=(clock := Clock()))
    for table in reversed(metadata.sorted_tables):
        drop = text(f"DROP TABLE {table.name}")
        store.database.write(lambda c, drop=drop: c.execute(drop))
    told = {kind: f"{kind}-4815162342" for kind in KINDS}

    printed = shown(everything(store, clock, told, 1))

    assert printed.count("RecordDown") >= 17
    assert [kind for kind, value in told.items() if value in printed] == []


@pytest.mark.requirement("R24")
def test_another_vault_opens_nothing(opened, new_url):
    """With other keys, the record is not opened: it could neither read nor find its data."""
    store = opened(now=(clock := Clock()))
    bench = Bench(store.record, clock)
    bench.call(Disposition.DECLINED)
    bench.keep(deferred_of("w1"))

    with pytest.raises(KeyProblem), open_store(store.database.url, vault(new_keys()), 30.0, clock):
        pass
