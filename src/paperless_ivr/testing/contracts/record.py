"""The contract of records."""

from collections.abc import Callable
from itertools import pairwise

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.flow.events import (
    Accepted,
    LimitReached,
    OutcomeUnknown,
    Refusal,
    Refused,
    Screened,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.requests import SendWebLink
from paperless_ivr.records.port import ActivityType
from paperless_ivr.secret import Secret
from paperless_ivr.testing.contracts import after_calls, reading
from paperless_ivr.testing.contracts.bench import (
    ACCOUNT,
    ADDRESS,
    ANI,
    LIMITS,
    NEVER,
    OTHER_ACCOUNT,
    OTHER_ANI,
    Bench,
    MakeRecord,
    deferred_of,
    evidence_of,
    preference,
)
from paperless_ivr.testing.contracts.checking import AT_ONCE, at_once, holds, raises, run, same


def check_record(make: MakeRecord) -> None:
    """Check a record. `make` must return an empty record that uses the given clock each time."""
    run(PROMISES, make)


def _unknown_caller(make: MakeRecord) -> None:
    """The record knows nothing about a caller who never heard an offer."""
    bench = Bench.of(make)
    bench.call(Disposition.DECLINED, ani=OTHER_ANI, accounts=(OTHER_ACCOUNT,))
    evolve(bench, biller="another-biller").call(Disposition.DECLINED, "c2")
    bench.call(Disposition.DECLINED, "c3", ani=None)

    same("the answer about a new caller", Screened(), bench.screen(ANI, ACCOUNT))
    same("the answer without ANI or account", Screened(), bench.screen(None, None))


def _latest_ending(make: MakeRecord) -> None:
    """Screening by ANI or account returns how and when the latest call with an offer ended."""
    bench = Bench.of(make)
    bench.call(Disposition.DECLINED, "c1", accounts=(ACCOUNT,))
    bench.clock.go(days=10)
    bench.call(Disposition.IGNORED, "c2")
    bench.clock.go(days=3, hours=23)

    same("the answer by ANI", Screened(Disposition.IGNORED, 3), bench.screen(ANI))
    same(
        "the answer by account",
        Screened(Disposition.DECLINED, 13),
        bench.screen(OTHER_ANI, ACCOUNT),
    )
    same("the answer by both", Screened(Disposition.IGNORED, 3), bench.screen(ANI, ACCOUNT))


def _no_offer(make: MakeRecord) -> None:
    """Screening ignores calls that had no offer or that have not ended."""
    bench = Bench.of(make)
    bench.call(Disposition.DECLINED, "c1")
    bench.clock.go(days=1)
    bench.call(Disposition.NOT_OFFERED, "c2", offered=False)
    bench.call(Disposition.ABANDONED, "c3", offered=False)
    bench.note(ActivityType.OFFERED, "c4")

    same("the answer", Screened(Disposition.DECLINED, 1), bench.screen())


def _paper_without_offer(make: MakeRecord) -> None:
    """Screening includes calls in which a bill went back to paper, even without an offer."""
    for ended in (Disposition.OPTED_OUT, Disposition.OPT_OUT_REQUESTED):
        bench = Bench.of(make)
        bench.call(ended, offered=False)
        same(f"the answer after {ended.value}", Screened(ended), bench.screen())


def _same_call(make: MakeRecord) -> None:
    """Screening returns earlier hand-overs of the same call separately from earlier calls."""
    bench = Bench.of(make)
    bench.call(Disposition.DECLINED, "before")
    bench.call(Disposition.NOT_OFFERED, "now", offered=False)
    bench.call(Disposition.IGNORED, "now")
    bench.call(Disposition.NOT_OFFERED, "now", offered=False)
    bench.call(Disposition.LEFT, "now")

    got = bench.screen()

    endings = (Disposition.IGNORED, Disposition.LEFT)
    same("the answer", Screened(Disposition.DECLINED, 0, endings), got)


def _guesses_say_nothing(make: MakeRecord) -> None:
    """If a caller only guessed at an account, the call does not count for the account's owner."""
    bench = Bench.of(make)
    bench.note(ActivityType.OFFERED, "c1", OTHER_ANI)
    bench.note(ActivityType.LAST_FOUR_MISSED, "c1", OTHER_ANI, (ACCOUNT,))
    bench.note(ActivityType.ENDED, "c1", OTHER_ANI, disposition="declined")

    same("the answer about the owner", Screened(), bench.screen(ANI, ACCOUNT))


def _tries_until_forbidden(bench: Bench, ani: Callable[[int], Secret], account: Secret) -> int:
    for count in range(NEVER):
        if not bench.allowed(ani(count), account):
            return count
    return NEVER


def _somebody(number: int) -> Secret:
    return secret.phone(f"+1217555{number:04}")


def _tries_by_account(make: MakeRecord) -> None:
    """Tries are limited per account and day, no matter which ANI they come from."""
    bench = Bench.of(make)
    count = _tries_until_forbidden(bench, _somebody, ACCOUNT)
    elsewhere = evolve(bench, biller="another-biller")

    holds("that some tries are allowed, but not all", 1 < count < NEVER)
    holds(
        "that a try at several accounts is refused", not bench.allowed(ANI, OTHER_ACCOUNT, ACCOUNT)
    )
    holds("that a try without ANI is refused", not bench.allowed(None, ACCOUNT))
    holds("that a try at another account is allowed", bench.allowed(ANI, OTHER_ACCOUNT))
    holds("that a try at another biller is allowed", elsewhere.allowed(ANI, ACCOUNT))
    bench.clock.go(hours=23)
    holds("that a try is still refused after 23 hours", not bench.allowed(ANI, ACCOUNT))
    bench.clock.go(hours=1, seconds=1)
    holds("that a try is allowed the next day", bench.allowed(ANI, ACCOUNT))


def _tries_by_ani(make: MakeRecord) -> None:
    """Tries are limited per ANI and day, no matter which account is tried."""
    bench = Bench.of(make)
    allowed = [bench.allowed(ANI, secret.account(f"{count:08}")) for count in range(NEVER)]

    holds("that some tries are allowed, but not all", 1 < allowed.count(True) < NEVER)
    holds("that a try without an account is also refused", not bench.allowed(ANI))
    holds("that a try from another ANI is allowed", bench.allowed(OTHER_ANI, OTHER_ACCOUNT))
    bench.clock.go(hours=24, seconds=1)
    holds("that a try is allowed the next day", bench.allowed(ANI, OTHER_ACCOUNT))


def _tries_without_ani(make: MakeRecord) -> None:
    """Callers without an ANI share one limit per biller."""
    bench = Bench.of(make)
    allowed = [bench.allowed(None) for _ in range(NEVER)]

    holds("that some tries are allowed, but not all", 1 < allowed.count(True) < NEVER)
    holds("that a try at an account is also refused", not bench.allowed(None, ACCOUNT))
    holds("that a caller with ANI is allowed", bench.allowed(ANI))
    holds(
        "that a try at another biller is allowed",
        evolve(bench, biller="another-biller").allowed(None),
    )


def _tries_in_the_window(make: MakeRecord) -> None:
    """Tries that continue day after day are stopped by the limit for the longer window."""
    bench = Bench.of(make)
    days = LIMITS.window_days
    made = 0
    for _ in range(days - 1):
        made += _tries_until_forbidden(bench, _somebody, ACCOUNT)
        bench.clock.go(hours=24, seconds=1)

    same("the tries in the window", LIMITS.tries_per_account[1], made)
    bench.clock.go(days=days)
    holds("that a try is allowed after the window", bench.allowed(ANI, ACCOUNT))


def _tries_at_once(make: MakeRecord) -> None:
    """The limit on tries holds even if many callers try at the same time."""
    bench = Bench.of(make)
    limits = evolve(LIMITS, tries_per_account=(3, 9))

    answers = at_once(
        lambda n: bench.reserve(_somebody(n), ACCOUNT, key=f"at-once-{n}", limits=limits)
    )

    same("the number of tries", 3, answers.count(TryReserved()))
    same("the number of refusals", AT_ONCE - 3, answers.count(LimitReached()))


def _given_back(make: MakeRecord) -> None:
    """A try stops counting toward the limit only when a match is noted for it."""
    bench = Bench.of(make)
    limits = evolve(LIMITS, tries_per_account=(2, 9))
    for key in ("one", "two"):
        same(
            "the answer to a try",
            TryReserved(),
            bench.reserve(ANI, ACCOUNT, key=key, limits=limits),
        )
    bench.note(ActivityType.MATCHED, key="two")

    same(
        "the answer to a third try",
        TryReserved(),
        bench.reserve(ANI, ACCOUNT, key="three", limits=limits),
    )
    same(
        "the answer to a fourth try",
        LimitReached(),
        bench.reserve(ANI, ACCOUNT, key="four", limits=limits),
    )


def _one_try(make: MakeRecord) -> None:
    """A try reserved again with the same key, because the answer was lost, counts only once."""
    bench = Bench.of(make)
    limits = evolve(LIMITS, tries_per_account=(2, 9))
    for key in ("one", "one", "one", "two", "two"):
        same(
            f"the answer to try {key}",
            TryReserved(),
            bench.reserve(ANI, ACCOUNT, key=key, limits=limits),
        )
    same(
        "the answer to another try",
        LimitReached(),
        bench.reserve(ANI, ACCOUNT, key="three", limits=limits),
    )


def _text_limit(make: MakeRecord) -> None:
    """Texts to one number are limited per day, but a text already on record can be sent again."""
    bench = Bench.of(make)
    first = bench.text()
    sent = _texts_until_limit(bench, first)

    holds("that some texts are allowed, but not all", 0 < sent < NEVER)
    same("the answer for another number", None, bench.intend(bench.text(OTHER_ANI)))
    same("the answer to the first text again", None, bench.intend(first))
    same("the answer to another write", None, bench.intend(preference("w1")))
    bench.clock.go(hours=24, seconds=1)
    same("the answer the next day", None, bench.intend(bench.text()))


def _texts_until_limit(bench: Bench, first: SendWebLink) -> int:
    texts = [first, *(bench.text() for _ in range(NEVER))]
    for count, text in enumerate(texts):
        refused = bench.intend(text)
        if refused is not None:
            same("the refusal", Refused(Refusal.LIMIT), refused)
            return count
        bench.record.settle(text.key, Accepted())
    return NEVER


def _text_limit_by_ani(make: MakeRecord) -> None:
    """Texts requested from one ANI are limited per day, no matter which number they go to."""
    bench = Bench.of(make)
    for count in range(NEVER):
        text = evolve(bench.text(_somebody(count)), account=secret.account(f"{count:08}"))
        if bench.intend(text, ANI) is not None:
            break
        bench.record.settle(text.key, Accepted())

    holds("that some texts are allowed, but not all", 0 < count < NEVER - 1)
    number = secret.phone("+12175559999")
    same(
        "the answer to one more text", Refused(Refusal.LIMIT), bench.intend(bench.text(number), ANI)
    )
    same("the answer for another ANI", None, bench.intend(bench.text(number), OTHER_ANI))
    same("the answer without ANI", None, bench.intend(bench.text(number)))
    bench.clock.go(hours=24, seconds=1)
    same("the answer the next day", None, bench.intend(bench.text(number), ANI))


def _text_limit_by_account(make: MakeRecord) -> None:
    """Texts about one account are limited per day, no matter which number they go to."""
    bench = Bench.of(make)
    texts = [bench.text(_somebody(n)) for n in range(NEVER)]
    sent = sum(bench.intend(text) is None for text in texts)

    same("the number sent", LIMITS.texts_per_account[0], sent)
    other = evolve(bench.text(OTHER_ANI), account=OTHER_ACCOUNT)
    same("the answer for another account", None, bench.intend(other))


def _one_account_however_written(make: MakeRecord) -> None:
    """Account numbers are compared without symbols, spaces, or leading zeros."""
    written = [secret.account(text) for text in ("00123456", "123456", "123-456", "0012 3456")]
    limits = evolve(LIMITS, tries_per_account=(3, 9))
    bench = Bench.of(make)
    tries = [bench.reserve(_somebody(n), one, limits=limits) for n, one in enumerate(written)]
    together = bench.reserve(OTHER_ANI, OTHER_ACCOUNT, *written, limits=limits)
    texts = [evolve(bench.text(_somebody(n)), account=written[n % 4]) for n in range(NEVER)]

    same("the list of answers", [TryReserved()] * 3 + [LimitReached()], tries)
    same("the answer to a try at several accounts", LimitReached(), together)
    same(
        "the number of texts",
        LIMITS.texts_per_account[0],
        sum(bench.intend(t) is None for t in texts),
    )
    for one, other in pairwise(written):
        bench = Bench.of(make)
        bench.call(Disposition.DECLINED, ani=None, accounts=(one,))
        same("the answer by account", Screened(Disposition.DECLINED), bench.screen(None, other))
        lettered = secret.account(f"A{other.reveal()}")
        same("the answer by another account", Screened(), bench.screen(None, lettered))


def _text_limit_by_biller(make: MakeRecord) -> None:
    """The total number of texts is limited per biller and day."""
    bench = Bench.of(make)
    limits = evolve(LIMITS, texts_per_biller=(3, 9))

    def send(count: int, by: Bench) -> Refused | None:
        text = evolve(by.text(_somebody(count)), account=secret.account(f"{count:08}"))
        return by.record.intend(text, by.evidence(text.key), limits)

    sent = [send(count, bench) for count in range(9)]
    same("the number sent", 3, sent.count(None))
    same("the refusal's limit", "texts_per_biller", sent[-1] and sent[-1].code)
    other = evolve(bench, biller="another-biller", numbers=NEVER)
    same("the answer for another biller", None, send(9, other))


def _text_limit_at_once(make: MakeRecord) -> None:
    """The limit on texts holds even if many are requested at the same time."""
    alone, bench = Bench.of(make), Bench.of(make)
    most = min(_texts_until_limit(alone, alone.text()), AT_ONCE)
    texts = [bench.text() for _ in range(AT_ONCE)]

    answers = at_once(lambda n: bench.intend(texts[n]))

    same("the number allowed", most, answers.count(None))


def _failed_texts(make: MakeRecord) -> None:
    """A text that was definitely not sent does not count toward the limits."""
    limits = (LIMITS.texts_per_number, LIMITS.texts_per_account, LIMITS.texts_per_ani)
    for answer in (Unavailable(), Refused(Refusal.BAD_PHONE)):
        bench = Bench.of(make)
        for _ in range(1 + max(map(max, limits))):
            text = bench.text()
            same("the answer", None, bench.intend(text))
            bench.record.settle(text.key, answer)


def _one_write(make: MakeRecord) -> None:
    """A write put on record twice counts as one write, and can be settled more than once."""
    bench = Bench.of(make)
    write = preference("w1")
    same("the answer", None, bench.intend(write))
    same("the answer the second time", None, bench.intend(write))
    for answer in (OutcomeUnknown(), Accepted(), Accepted(), Unavailable()):
        bench.record.settle("w1", answer)
    same("the answer after it was settled", None, bench.intend(write))


def _unknown_write(make: MakeRecord) -> None:
    """A write that is not on record cannot be settled."""
    bench = Bench.of(make)
    bench.record.keep(deferred_of("w1"), evidence_of("w1"))

    raises("settling the write", LookupError, lambda: bench.record.settle("w1", Accepted()))


def _one_deferred(make: MakeRecord) -> None:
    """A deferred request can be saved twice, even with the key of an unsettled write."""
    bench = Bench.of(make)
    bench.intend(preference("w1"))
    for _ in range(2):
        bench.record.keep(deferred_of("w1"), evidence_of("w1"))
    bench.record.settle("w1", OutcomeUnknown())


def _silent_record(make: MakeRecord) -> None:
    """Printing a record shows no personal data."""
    bench = Bench.of(make)
    bench.call(Disposition.DECLINED, accounts=(ACCOUNT,))
    bench.intend(preference("w1"))
    bench.record.keep(deferred_of("w1"), evidence_of("w1"))
    shown = f"{bench.record!r} {bench.record}"
    for value in (ANI, ACCOUNT, ADDRESS):
        holds(f"that {value} is not shown", value.reveal() not in shown)


PROMISES: tuple[Callable[[MakeRecord], None], ...] = (
    _unknown_caller,
    _latest_ending,
    _no_offer,
    _paper_without_offer,
    _same_call,
    _guesses_say_nothing,
    _tries_by_account,
    _tries_by_ani,
    _tries_without_ani,
    _tries_in_the_window,
    _tries_at_once,
    _given_back,
    _one_try,
    _text_limit,
    _text_limit_by_ani,
    _text_limit_by_account,
    _one_account_however_written,
    _text_limit_by_biller,
    _text_limit_at_once,
    _failed_texts,
    _one_write,
    _unknown_write,
    _one_deferred,
    _silent_record,
    *after_calls.PROMISES,
    *reading.PROMISES,
)
"""The promises of a record."""
