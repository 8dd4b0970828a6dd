"""The contract of session gateways: the rules of docs/gateway-contract.md as checks.

An adapter provides a `Rig`: its gateway and a small simulator of its runtime, with a
`VirtualCaller` on the line. Checks of capabilities that the gateway does not claim are skipped.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Reason
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.flow.turns import Gather, Prompt, Return, Then, Transfer, Turn
from paperless_ivr.gateways.capabilities import Capabilities, Claim, How
from paperless_ivr.testing.contracts.checking import holds, run, same
from paperless_ivr.testing.virtual_caller import Act, HangUp, Press, VirtualCaller


class Rig(Protocol):
    """A session gateway and a simulator of its runtime, for one call."""

    caller: VirtualCaller

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that the gateway claims."""
        ...

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Have the gateway perform a turn."""
        ...

    def hold(self, seconds: float) -> None:
        """Let time pass between two turns, as if a request were running."""
        ...

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return the text that `VirtualCaller.begins` receives when a prompt is spoken."""
        ...

    def lose(self, prompt: Prompt) -> bool:
        """Make the runtime unable to play a prompt. Returns False if that is not possible."""
        ...

    def cut(self) -> bool:
        """Cut the connection to the runtime. Returns False if there is none."""
        ...

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer. The transfer must take five seconds."""
        ...

    def shown(self) -> str:
        """Return everything that was printed or logged, and the gateway's repr."""
        ...

    def close(self) -> None:
        """End the call, and stop everything that was started for it."""
        ...


MakeRig = Callable[[], Rig]


def check_session_gateway(make: MakeRig) -> None:
    """Check a session gateway. `make` must return a rig for a new call each time.

    If the gateway does not claim a capability, or claims it as degraded, promises that need it
    are skipped.
    """
    rig = make()
    able = rig.capabilities
    rig.close()
    run([check for check, needs in PROMISES.items() if all(can(able, n) for n in needs)], make)


def can(able: Capabilities, need: str) -> bool:
    """Return whether a capability is claimed as met or emulated."""
    claim: Claim = getattr(able, need)
    return claim.how in (How.MET, How.EMULATED)


# ── turns ────────────────────────────────────────────────────────────────────────────

LANGUAGE, OTHER = "en-US", "es-US"
PROMPTS = (Prompt("offer"), Prompt("menu_help"), Prompt("person_offer"))
"""Three prompts without slots. On every runtime, each of them is a single utterance."""
ENTRY = Gather("0123456789*", 4, first_key_wait=12.0, next_key_wait=3.0)
MENU = Gather("12", 1, first_key_wait=5.0, next_key_wait=3.0)
CONSENT = evolve(MENU, type_ahead=False)
REQUEST = SearchByAccountNumber(secret.account("20481137"))
BACK = Return(Handback(Disposition.DECLINED))
PERSON = Transfer(Reason.CALLER_ASKED)


def _turn(then: Then, say: tuple[Prompt, ...] = PROMPTS) -> Turn:
    return Turn(Call(Arrival("call", "biller")), say, then)


def _does(rig: Rig, then: Then, *acts: Act, say: tuple[Prompt, ...] = PROMPTS) -> object:
    """Perform a turn while the caller acts as given, and return the resulting event."""
    rig.caller.plan(*acts, prompts=len(say))
    return rig.perform(_turn(then, say), LANGUAGE)


def _gets(make: MakeRig, expected: object, then: Then, *acts: Act) -> None:
    """Assert that the first turn of a new call results in the expected event."""
    rig = make()
    same("the event", expected, _does(rig, then, *acts))
    rig.close()


def _pressed(keys: str, ended: Ended = Ended.FULL, interrupted: int | None = None) -> Digits:
    return Digits(secret.keys(keys), ended, interrupted)


def _wait(rig: Rig, seconds: float, *acts: Act) -> None:
    """Let time pass, as if a request were running, while the caller acts as given."""
    rig.caller.plan(*acts)
    rig.hold(seconds)


def _utterances(rig: Rig, say: tuple[Prompt, ...], language: str = LANGUAGE) -> list[str]:
    return [rig.utterance(prompt, language) for prompt in say]


# ── speaking ─────────────────────────────────────────────────────────────────────────


def _in_order(make: MakeRig) -> None:
    """G01: The prompts of a turn are spoken in order."""
    rig = make()
    _does(rig, MENU)
    same("what is heard", _utterances(rig, PROMPTS), rig.caller.heard)
    rig.close()


def _in_its_language(make: MakeRig) -> None:
    """G02: Prompts are spoken in the call's language, unless they have their own."""
    rig = make()
    say = (Prompt("offer"), Prompt("menu_help", language=LANGUAGE))
    rig.caller.plan(prompts=len(say))
    rig.perform(_turn(MENU, say), OTHER)
    expected = [rig.utterance(say[0], OTHER), rig.utterance(say[1], LANGUAGE)]
    same("what is heard", expected, rig.caller.heard)
    rig.close()


def _silent(make: MakeRig) -> None:
    """G03: The keys of a private gather are never shown."""
    rig = make()
    _does(rig, evolve(ENTRY, private=True), Press("73915#", at=2))
    holds("that the keys are not shown", "7391" not in rig.shown())
    rig.close()


# ── gathering keys ───────────────────────────────────────────────────────────────────


def _complete(make: MakeRig) -> None:
    """G05: A gather ends immediately once it has all its keys."""
    rig = make()
    same("the event", _pressed("1137"), _does(rig, ENTRY, Press("1137")))
    pressed = rig.caller.now
    same("the event of a menu", _pressed("1"), _does(rig, MENU, Press("1"), say=()))
    holds("that it ended without a wait", rig.caller.now < pressed + ENTRY.next_key_wait)
    rig.close()


def _end_key(make: MakeRig) -> None:
    """G06: The end key ends a gather, and is not reported as one of its keys."""
    _gets(make, _pressed("11", Ended.END_KEY), ENTRY, Press("11#"))


def _end_key_alone(make: MakeRig) -> None:
    """G07: At a menu, the end key alone is reported as Digits without keys, not as silence."""
    _gets(make, _pressed("", Ended.END_KEY), MENU, Press("#"))


def _end_key_alone_in_entry(make: MakeRig) -> None:
    """G07: In an entry, the end key alone is reported as Digits without keys, not as silence."""
    _gets(make, _pressed("", Ended.END_KEY), ENTRY, Press("#"))


def _too_few(make: MakeRig) -> None:
    """G08: Too few keys followed by silence are reported as ended by TIMEOUT."""
    _gets(make, _pressed("11", Ended.TIMEOUT), ENTRY, Press("11"))


def _nothing(make: MakeRig) -> None:
    """G09: Silence is reported as NoInput."""
    _gets(make, NoInput(), ENTRY)


def _hung_up(make: MakeRig) -> None:
    """G04, G10: A hang-up is reported only as HungUp, no matter which keys came before."""
    _gets(make, HungUp(), ENTRY, Press("11"), HangUp())
    _gets(make, HungUp(), MENU, HangUp())


def _first_wait(make: MakeRig) -> None:
    """G11: The wait for the first key begins after the prompts, and has its own length."""
    late = ENTRY.first_key_wait - 1
    _gets(make, _pressed("1137"), ENTRY, Press("1137", after=late))
    _gets(make, NoInput(), ENTRY, Press("1137", after=ENTRY.first_key_wait + 1))


def _next_wait(make: MakeRig) -> None:
    """G12: The wait for the next key restarts with every key, and has its own length."""
    slow, slower = ENTRY.next_key_wait - 0.5, ENTRY.next_key_wait + 0.5
    _gets(make, _pressed("1137"), ENTRY, Press("1137", apart=slow))
    _gets(make, _pressed("1", Ended.TIMEOUT), ENTRY, Press("1137", apart=slower))


def _no_end_key(make: MakeRig) -> None:
    """G13: In a gather without an end key, # is a key like any other."""
    _gets(make, _pressed("#"), evolve(MENU, end_key=""), Press("#"))
    _gets(make, _pressed("1#37"), evolve(ENTRY, end_key=""), Press("1#37"))


def _every_key(make: MakeRig) -> None:
    """G14: A key that the gather does not list is still reported."""
    for key in "3456789*0":
        _gets(make, _pressed(key), MENU, Press(key))


def _late_end_key(make: MakeRig) -> None:
    """G15: An end key after the last key belongs to the same gather, not to the next one."""
    for gather, keys in ((ENTRY, "1137"), (MENU, "1")):
        rig = make()
        same("the event", _pressed(keys), _does(rig, gather, Press(f"{keys}#")))
        told = rig.perform(_turn(MENU, ()), LANGUAGE)
        same("the event of the next question", NoInput(), told)
        rig.close()


# ── barge-in ─────────────────────────────────────────────────────────────────────────


def _interrupts(make: MakeRig) -> None:
    """G16: A key interrupts the prompts, and is the first key of the gather."""
    rig = make()
    same("the event", _pressed("1", interrupted=1), _does(rig, MENU, Press("1", at=1)))
    same("what is heard", _utterances(rig, PROMPTS[:2]), rig.caller.heard)
    same(
        "the event of an entry",
        _pressed("1137", interrupted=0),
        _does(rig, ENTRY, Press("1137", at=0)),
    )
    rig.close()


def _which_prompt(make: MakeRig) -> None:
    """G17: The event identifies the prompt that was being spoken when the first key came."""
    for number in range(len(PROMPTS)):
        _gets(make, _pressed("1", interrupted=number), MENU, Press("1", at=number))
    _gets(make, _pressed("1"), MENU, Press("1"))


def _not_played(make: MakeRig) -> None:
    """G18: A prompt that could not be played counts as not heard, no matter when a key came."""
    rig = make()
    if rig.lose(PROMPTS[1]):
        rig.caller.plan(Press("1"), prompts=len(PROMPTS) - 1)
        told = rig.perform(_turn(MENU), LANGUAGE)
        same("the event", _pressed("1", interrupted=1), told)
    rig.close()


def _no_barge_in(make: MakeRig) -> None:
    """G19: Without barge-in, keys pressed during a prompt neither interrupt it nor count."""
    rig = make()
    told = _does(rig, evolve(MENU, barge_in=False), Press("1", at=0))
    same("the event", NoInput(), told)
    same("what is heard", _utterances(rig, PROMPTS), rig.caller.heard)
    rig.close()


# ── type-ahead ───────────────────────────────────────────────────────────────────────


def _kept(make: MakeRig) -> None:
    """G20: Keys pressed ahead are the first keys of the gather, and interrupt its first prompt."""
    rig = make()
    _does(rig, MENU, Press("11137"))
    same("the event", _pressed("1137", interrupted=0), rig.perform(_turn(ENTRY), LANGUAGE))
    rig.close()


def _flushed(make: MakeRig) -> None:
    """G21: Without type-ahead, keys pressed before the turn are discarded."""
    rig = make()
    _does(rig, MENU, Press("11"))
    rig.hold(1.0)
    rig.caller.plan(prompts=len(PROMPTS))
    heard = len(rig.caller.heard)
    same("the event", NoInput(), rig.perform(_turn(CONSENT), LANGUAGE))
    same("what is heard", _utterances(rig, PROMPTS), rig.caller.heard[heard:])
    rig.close()


def _flushed_while_waiting(make: MakeRig) -> None:
    """G21: Without type-ahead, keys pressed while a request ran are discarded."""
    rig = make()
    _does(rig, REQUEST)
    _wait(rig, 3.0, Press("1"))
    rig.caller.plan(prompts=len(PROMPTS))
    same("the event", NoInput(), rig.perform(_turn(CONSENT), LANGUAGE))
    rig.close()


def _beyond(make: MakeRig) -> None:
    """G22: Keys beyond a gather's maximum belong to the next gather."""
    rig = make()
    same("the event of the first gather", _pressed("1"), _does(rig, MENU, Press("12")))
    told = rig.perform(_turn(MENU), LANGUAGE)
    same("the event of the second gather", _pressed("2", interrupted=0), told)
    rig.close()


def _while_waiting(make: MakeRig) -> None:
    """G23: All keys pressed while a request runs count as type-ahead."""
    rig = make()
    same("the event", None, _does(rig, REQUEST))
    _wait(rig, 4.0, Press("1137", apart=0.25))
    same("the next event", _pressed("1137", interrupted=0), _does(rig, ENTRY))
    rig.close()


def _in_one_moment(make: MakeRig) -> None:
    """G24: A key pressed during the prompts of a turn with a request counts as type-ahead."""
    rig = make()
    same("the event", None, _does(rig, REQUEST, Press("1137", at=1)))
    rig.hold(3.0)
    same("the next event", _pressed("1137", interrupted=0), rig.perform(_turn(ENTRY), LANGUAGE))
    rig.close()


def _in_transfer(make: MakeRig) -> None:
    """G23: Keys pressed during a transfer are discarded."""
    rig = make()
    rig.agent(TransferResult.BUSY)
    _does(rig, PERSON, Press("1"), say=PROMPTS[:1])
    same("the next event", NoInput(), _does(rig, MENU))
    rig.close()


# ── requests and hand-back ───────────────────────────────────────────────────────────


def _request(make: MakeRig) -> None:
    """G24: A turn with a request has no event. Its prompts are spoken."""
    rig = make()
    same("the event", None, _does(rig, REQUEST))
    same("what is heard", _utterances(rig, PROMPTS), rig.caller.heard)
    rig.close()


def _return(make: MakeRig) -> None:
    """G25: A turn that hands the call back to the host has no event. Its prompts are spoken."""
    rig = make()
    same("the event", None, _does(rig, BACK))
    same("what is heard", _utterances(rig, PROMPTS), rig.caller.heard)
    rig.close()


# ── transfers ────────────────────────────────────────────────────────────────────────


def _transfer(make: MakeRig) -> None:
    """G26, G27: A transfer's result is reported, or UNKNOWN if the runtime does not report it."""
    for result in TransferResult:
        rig = make()
        rig.agent(result)
        known = result in rig.capabilities.transfer_results
        expected = TransferEnded(result if known else TransferResult.UNKNOWN)
        same(
            f"the event of a transfer with the result {result.value}", expected, _does(rig, PERSON)
        )
        rig.close()


def _hangs_up_in_transfer(make: MakeRig) -> None:
    """G26: A hang-up during a transfer is reported as HungUp."""
    rig = make()
    rig.agent(TransferResult.NO_ANSWER)
    same("the event", HungUp(), _does(rig, PERSON, HangUp(after=1.0), say=PROMPTS[:1]))
    rig.close()


# ── hang-up and delivery ─────────────────────────────────────────────────────────────


def _any_moment(make: MakeRig) -> None:
    """G28: A hang-up is noticed during the prompts of every kind of turn, and between turns."""
    for number in range(len(PROMPTS)):
        for then in (MENU, REQUEST, evolve(CONSENT, barge_in=False)):
            _gets(make, HungUp(), then, HangUp(at=number))
    rig = make()
    _does(rig, REQUEST)
    _wait(rig, 3.0, HangUp())
    same("the event of the next turn", HungUp(), _does(rig, MENU))
    rig.close()


def _stays_gone(make: MakeRig) -> None:
    """G29: After a hang-up, nothing is spoken, and the event of every turn is HungUp."""
    rig = make()
    _does(rig, MENU, HangUp())
    heard = len(rig.caller.heard)
    for then in (MENU, ENTRY, PERSON):
        same("the event", HungUp(), _does(rig, then))
    same("what is heard", [], rig.caller.heard[heard:])
    rig.close()


def _cut(make: MakeRig) -> None:
    """G30: A lost channel counts as a hang-up."""
    rig = make()
    _does(rig, REQUEST)
    if rig.cut():
        for then in (MENU, PERSON):
            same("the event", HungUp(), _does(rig, then))
    rig.close()


def _once(make: MakeRig) -> None:
    """G31, G32: One press counts as one key, and does not also answer the next question."""
    rig = make()
    for interrupted in (None, 1):
        told = _does(rig, MENU, Press("1", at=interrupted))
        same("the event of the first question", _pressed("1", interrupted=interrupted), told)
        same("the event of the next question", NoInput(), _does(rig, MENU))
    rig.close()


def _again(make: MakeRig) -> None:
    """G33: If a turn is performed again, its prompts are spoken again."""
    rig = make()
    for _ in range(2):
        same("the event", None, _does(rig, REQUEST))
    same("what is heard", _utterances(rig, PROMPTS * 2), rig.caller.heard)
    rig.close()


def _share_nothing(make: MakeRig) -> None:
    """G34: What happens in one call does not affect another."""
    one, other = make(), make()
    _does(one, MENU, Press("12"))
    one.hold(1.0)
    same("the event of the other call", NoInput(), _does(other, MENU))
    _does(other, MENU, HangUp())
    same(
        "the event of the first call",
        _pressed("2", interrupted=0),
        one.perform(_turn(MENU), LANGUAGE),
    )
    one.close()
    other.close()


PROMISES: Mapping[Callable[[MakeRig], None], tuple[str, ...]] = {
    _in_order: (),
    _in_its_language: (),
    _silent: (),
    _complete: (),
    _end_key: (),
    _end_key_alone: ("end_key_alone",),
    _end_key_alone_in_entry: ("end_key_alone_in_entries",),
    _too_few: ("too_few",),
    _nothing: (),
    _hung_up: (),
    _first_wait: ("two_waits",),
    _next_wait: ("two_waits",),
    _no_end_key: ("no_end_key",),
    _every_key: (),
    _late_end_key: ("late_end_key",),
    _interrupts: ("barge_in",),
    _which_prompt: ("interrupted",),
    _not_played: ("interrupted",),
    _no_barge_in: ("barge_in",),
    _kept: ("type_ahead",),
    _flushed: ("flush",),
    _flushed_while_waiting: ("flush", "keys_while_waiting"),
    _beyond: ("type_ahead",),
    _while_waiting: ("keys_while_waiting",),
    _in_one_moment: ("keys_while_waiting",),
    _in_transfer: ("transfer",),
    _request: (),
    _return: (),
    _transfer: ("transfer",),
    _hangs_up_in_transfer: ("transfer", "hang_up"),
    _any_moment: ("hang_up",),
    _stays_gone: (),
    _cut: (),
    _once: ("once",),
    _again: (),
    _share_nothing: ("type_ahead", "keys_while_waiting"),
}
"""The promises of a session gateway, with the capabilities that each promise needs."""
