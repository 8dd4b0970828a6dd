"""The blocks that define states: `Ask`, `Do`, `Pass`, and `End`. Each state has one block.

A block contains the state's words, keys, requests, and transitions. Its own transitions come first,
followed by those that all blocks of its kind share. For a question, these handle `0`, `*`, `#`,
wrong keys, silence, and hang-ups. A shared transition is omitted if the block has its own row for
the same event with the same guard or with no guard, because that row would always be taken first.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from attrs import Factory, evolve, field, frozen

from paperless_ivr.flow.call import Call, Purpose
from paperless_ivr.flow.events import Digits, HungUp, NoInput
from paperless_ivr.flow.examples import Known
from paperless_ivr.flow.facts import (
    agent,
    all_of,
    card_before_pause,
    chose,
    heard,
    is_card,
    is_mistyped,
    not_,
    paused,
    pound,
    silence_used_up,
    star,
    wrong_used_up,
    zero,
)
from paperless_ivr.flow.handback import handback
from paperless_ivr.flow.lines import Keys, Line, options
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import Request
from paperless_ivr.flow.rows import REPROMPT, On, Row, always, nothing
from paperless_ivr.flow.states import EndingGroup, Kind, State
from paperless_ivr.flow.turns import Gather, Prompt, Return, Then, Transfer
from paperless_ivr.flow.updates import (
    ask_for_agent,
    count_silence,
    count_wrong,
    count_wrong_key,
    find_nobody,
    hang_up,
    hear_again,
    keep_keys,
    mint_consent,
)
from paperless_ivr.flow.view import CallView, Transition

Rows = Sequence[Row]


@frozen
class Press:
    """A transition that is taken if the caller presses the key for an option and a guard holds."""

    choice: Choice
    to: State | None
    when: Callable[[Transition[Digits]], bool] = field(default=always, kw_only=True)
    keep: Callable[[Transition[Digits]], Call] = field(default=nothing, kw_only=True)
    say: str | None = field(default=None, kw_only=True)
    words: str = field(default="", kw_only=True)

    def row(self, *also: Callable[[Transition[Digits]], bool]) -> On[Digits]:
        """Return the table row. `also` contains additional guards from the block."""
        own = () if self.when is always else (self.when,)
        guards = (chose(self.choice), *also, *own)
        when = all_of(*guards) if len(guards) > 1 else guards[0]
        return On(Digits, self.to, when=when, keep=self.keep, say=self.say, words=self.words)


# ── transitions that blocks of a kind share ─────────────────────────────────────────────

HANG_UP: tuple[Row, ...] = (On(HungUp, State.ABANDONED, keep=hang_up),)
"""The transition for a hang-up when there is no write to finish. The call ends."""

FINISH: tuple[Row, ...] = (On(HungUp, REPROMPT, keep=hang_up, words="hangs up during a request"),)
"""The transition for a hang-up while the call waits for a write, its check, or a deferred request.

The request is finished and recorded, and nothing more is said.
"""

LEAVE = On(Digits, State.LEAVING, when=pound, words="alone: leaves")
"""The transition for `#` alone, which leaves the offer (R15)."""

AGENT: Rows = (
    On(Digits, State.TRANSFERRING, when=all_of(zero, agent), keep=ask_for_agent, words="an agent"),
    On(
        Digits,
        REPROMPT,
        when=zero,
        keep=find_nobody,
        say="nobody_free",
        words="an agent, if one is free",
    ),
)
"""The transitions for 0, which reaches an agent if one is available (R15)."""

WRONG: Rows = (
    On(Digits, State.GIVEN_UP, when=wrong_used_up),
    On(Digits, REPROMPT, keep=count_wrong_key, words="any other key"),
)

SILENCE: Rows = (
    On(NoInput, State.GIVEN_UP, when=silence_used_up, words="silent too often"),
    On(NoInput, REPROMPT, keep=count_silence),
)

REPEAT: Rows = (On(Digits, REPROMPT, when=star, keep=hear_again),)
"""The transition for `*`, which repeats the question."""

LISTEN_FIRST = On(
    Digits,
    REPROMPT,
    when=all_of(chose(Choice.YES), not_(wrong_used_up)),
    keep=count_wrong,
    say="listen_first",
    words="before hearing it all: not counted",
)
"""The transition for a yes that comes too early. It counts as a wrong key (R09)."""


def entry(unclear: str) -> Rows:
    """Return the transitions for an entry. The prompt `unclear` says what was wrong."""
    return (
        On(
            Digits,
            REPROMPT,
            when=star,
            keep=hear_again,
            say="take_your_time",
            words="starts over, with more time",
        ),
        LEAVE,
        *AGENT,
        On(Digits, REPROMPT, when=paused, keep=keep_keys),
        On(Digits, State.GIVEN_UP, when=wrong_used_up),
        On(Digits, REPROMPT, keep=count_wrong, say=unclear, words="anything else"),
        *SILENCE,
    )


# ── how keys are gathered ────────────────────────────────────────────────────────────────

EVERY_KEY = "0123456789*#"
NUMBER_KEYS = "0123456789*"


@frozen
class By:
    """A way to gather keys, with the transitions that it adds to a question."""

    gather: Callable[[CallView, "Ask"], Gather]
    ways: Callable[["Ask"], Rows]
    """The transitions, except the one for a hang-up."""
    takes_several_keys: bool = True
    """Whether the question asks for a number or a spelling instead of a single key."""
    star_restarts: bool = True
    """Whether only the keys after the last star count."""
    help: str | None = None
    """The prompt with longer help, for questions that do not set a help prompt of their own."""


def _one_key(view: CallView, ask: "Ask") -> Gather:
    waits = view.policy.waits
    return Gather(
        keys="".join(option.key for option in ask.menu(view)) + "0*",
        max_keys=1,
        first_key_wait=waits.first_key,
        next_key_wait=waits.next_key,
    )


def _menu(ask: "Ask") -> Rows:
    repeat = () if ask.star_is_a_key else REPEAT
    return (*repeat, LEAVE, *AGENT, *WRONG, *SILENCE)


ONE_KEY = By(_one_key, _menu, takes_several_keys=False, help="menu_help")
"""Gathers one key: a menu key, 0, `*`, or `#`."""


def _any_key(view: CallView, _: "Ask") -> Gather:
    waits = view.policy.waits
    return Gather(EVERY_KEY, 1, waits.offer, waits.next_key, end_key="")


ANY_KEY = By(_any_key, lambda _: (), takes_several_keys=False, star_restarts=False)
"""Gathers any key, even `#`. At the start of a call, keys other than 1 are for the host (R01)."""


def number(digits: int, unclear: str) -> By:
    """Return a way to gather a number of up to `digits` digits.

    The prompt `unclear` says what was wrong with the number.
    """
    return By(lambda view, _: _digits(view, digits), lambda _: entry(unclear))


def _account_number(_: "Ask") -> Rows:
    return (
        On(Digits, REPROMPT, when=card_before_pause, keep=hear_again, say="not_a_card"),
        On(Digits, State.GIVEN_UP, when=all_of(is_card, wrong_used_up)),
        On(Digits, REPROMPT, when=is_card, keep=count_wrong, say="not_a_card"),
        On(
            Digits,
            REPROMPT,
            when=all_of(is_mistyped, not_(wrong_used_up)),
            keep=count_wrong,
            say="account_mistyped",
        ),
        *entry("account_length"),
    )


ACCOUNT_NUMBER = By(lambda view, _: _digits(view, view.terms.accounts.gathered), _account_number)
"""Gathers a whole account number. After a wrong number, the caller hears what was wrong."""


def _digits(view: CallView, digits: int) -> Gather:
    """Return the gather for a number or, after a pause, for the rest of it.

    The wait for the first key is longer if the caller asked for more time.
    """
    waits = view.policy.waits
    begun = len(view.call.entry.so_far or "")
    return Gather(
        keys=NUMBER_KEYS,
        max_keys=max(digits - begun, 1),
        first_key_wait=waits.more_time if view.call.entry.more_time else waits.entry_first_key,
        next_key_wait=waits.next_key,
        private=True,
        begun=begun > 0,
    )


# ── the blocks ───────────────────────────────────────────────────────────────────────────

Examples = Callable[[CallView, Known], Iterator[Digits]]
"""Yields one example of each kind of input at an entry, using the known customers."""


@frozen
class Ask:
    """A state that says something and waits for keys.

    With `consent` or `hear`, a yes counts only after everything that must be heard has played to
    the end, and keys pressed before the question are discarded. With `consent`, a yes also creates
    the consent, so it cannot have an update of its own.
    """

    kind: ClassVar = Kind.ASK

    purpose: str
    title: str = field(kw_only=True)
    say: Sequence[Line] = field(kw_only=True)
    keys: Sequence[Keys] = field(default=(), kw_only=True)
    by: By = field(default=ONE_KEY, kw_only=True)
    help: str | None = field(
        default=Factory(lambda ask: ask.by.help, takes_self=True), kw_only=True
    )
    """The prompt with longer help, which every reprompt from the second on includes."""
    consent: Purpose | None = field(default=None, kw_only=True)
    hear: bool = field(default=False, kw_only=True)
    star_is_a_key: bool = field(default=False, kw_only=True)
    """Whether `*` is part of the input here instead of repeating the question."""
    examples: Examples | None = field(default=None, kw_only=True)
    needs: Callable[[Policy], bool] | None = field(default=None, kw_only=True)
    """Whether calls can reach this state under a policy. Set this if the guards do not show it."""
    ways: Sequence[Row | Press] = field(kw_only=True)

    @property
    def flushes(self) -> bool:
        """Whether keys pressed before the question are discarded."""
        return self.consent is not None or self.hear

    @property
    def takes_several_keys(self) -> bool:
        """Whether the question asks for a number or a spelling instead of a single key."""
        return self.by.takes_several_keys

    @property
    def star_restarts(self) -> bool:
        """Whether only the keys after the last star count."""
        return self.by.star_restarts and not self.star_is_a_key

    @property
    def rows(self) -> tuple[Row, ...]:
        """The transitions, in the order in which they are tried."""
        return (*self._own(), *self._by_kind(), *HANG_UP)

    @property
    def shared(self) -> tuple[Row, ...]:
        """The transitions that all questions of this kind share."""
        first = (LISTEN_FIRST,) if self.flushes else ()
        return (*first, *self._by_kind(), *HANG_UP)

    def _by_kind(self) -> Iterator[Row]:
        """Yield the shared transitions that the block's own rows do not make redundant."""
        own = {(event, row.when) for row in self._own() for event in row.events}
        for row in self.by.ways(self):
            if any(own.isdisjoint([(event, row.when), (event, always)]) for event in row.events):
                yield row

    def _own(self) -> Iterator[Row]:
        """Yield the block's own transitions. If `flushes`, a yes counts only if `heard` holds."""
        agreed = [way for way in self.ways if isinstance(way, Press) and way.choice is Choice.YES]
        for way in self.ways:
            if not isinstance(way, Press):
                yield way
            elif not self.flushes or way not in agreed:
                yield way.row()
            else:
                mint = mint_consent(self.consent) if self.consent else way.keep
                yield evolve(way, keep=mint).row(heard)
                if way is agreed[-1]:
                    yield LISTEN_FIRST

    def words(self, view: CallView) -> tuple[Prompt, ...]:
        """Return the prompts, including those of the options."""
        return tuple(prompt for line in self.say for prompt in self._told(line, view))

    def _told(self, line: Line, view: CallView) -> Iterator[Prompt]:
        if line is not options:
            yield from line.tell(view)
            return
        for option in self.menu(view):
            if option.prompt:
                yield Prompt(option.prompt, option.spoken, language=option.language)

    def menu(self, view: CallView) -> tuple[Option, ...]:
        """Return the options offered."""
        return view.known("menu", self._menu)

    def _menu(self, view: CallView) -> tuple[Option, ...]:
        return tuple(option for keys in self.keys for option in keys.offer(view))

    def then(self, view: CallView) -> Then:
        """Return the gather that follows the question."""
        gather = self.by.gather(view, self)
        return evolve(gather, type_ahead=False) if self.flushes else gather


class _NoQuestion:
    """A block that asks the caller nothing and offers no options."""

    __slots__ = ()

    say: Sequence[Line]
    help: ClassVar = None
    takes_several_keys: ClassVar = False
    star_restarts: ClassVar = True

    def words(self, view: CallView) -> tuple[Prompt, ...]:
        """Return the prompts."""
        return tuple(prompt for line in self.say for prompt in line.tell(view))

    def menu(self, _: CallView) -> tuple[Option, ...]:
        """Return no options."""
        return ()


@frozen
class Do(_NoQuestion):
    """A state that sends a request to the service, record, or runtime, and waits for the answer."""

    kind: ClassVar = Kind.DO

    purpose: str
    title: str = field(kw_only=True)
    say: Sequence[Line] = field(kw_only=True)
    ask: Callable[[CallView], Request | Transfer] = field(kw_only=True)
    answers: Sequence[type[object]] = field(kw_only=True)
    """The possible answers. Each needs an unconditional transition."""
    finish: bool = field(default=False, kw_only=True)
    """Whether the call still waits for the answer after a hang-up."""
    ways: Sequence[Row] = field(kw_only=True)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The transitions, in the order in which they are tried."""
        return (*self.ways, *self.shared)

    @property
    def shared(self) -> tuple[Row, ...]:
        """The transitions that all requests of this kind share."""
        return FINISH if self.finish else HANG_UP

    def then(self, view: CallView) -> Then:
        """Return the request."""
        return self.ask(view)


@frozen
class Pass(_NoQuestion):
    """A state that moves on to another state immediately."""

    kind: ClassVar = Kind.PASS
    shared: ClassVar[tuple[Row, ...]] = ()

    purpose: str
    title: str = field(kw_only=True)
    say: Sequence[Line] = field(default=(), init=False)
    ways: Sequence[Row] = field(kw_only=True)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The transitions, in the order in which they are tried."""
        return tuple(self.ways)

    def then(self, view: CallView) -> Then:
        """Raise AssertionError. This state waits for nothing, so no turn can end here."""
        raise AssertionError(view.call.state)


@frozen
class End(_NoQuestion):
    """A state that returns the call to the host, usually with the disposition of the same name."""

    kind: ClassVar = Kind.END
    shared: ClassVar[tuple[Row, ...]] = ()
    rows: ClassVar[tuple[Row, ...]] = ()

    purpose: str
    title: str = field(kw_only=True)
    group: EndingGroup = field(kw_only=True)
    say: Sequence[Line] = field(kw_only=True)

    def then(self, view: CallView) -> Then:
        """Return the hand-back to the host."""
        return Return(handback(view))


Block = Ask | Do | Pass | End
Chapter = dict[State, Block]
