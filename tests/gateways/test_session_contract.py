# ruff: noqa: D102 - each broken gateway says as a whole what it does
"""The contract of session gateways: ours keep it, and each promise can be broken."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.gateways.capabilities import Capabilities, Claim, How
from paperless_ivr.secret import keys
from paperless_ivr.testing.contracts import check_session_gateway
from paperless_ivr.testing.contracts.session import PROMISES
from paperless_ivr.testing.virtual_caller import ON_HOOK
from tests.gateways.model import Model
from tests.gateways.terminal_rig import TerminalRig

CONTRACT = Path(__file__).parents[2] / "docs" / "gateway-contract.md"
pytestmark = pytest.mark.requirement("R41", "R45")


@pytest.mark.parametrize("make", [Model, TerminalRig])
def test_ours_keep_it(make: Callable[[], Model]) -> None:
    """A gateway written to the contract keeps all of it, and the terminal keeps what it claims."""
    check_session_gateway(make)


# ── broken on purpose ──


class Backwards(Model):
    """Speaks the last prompt first."""

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        return super().speak(evolve(turn, say=turn.say[::-1]), language, stops=stops)


class OneLanguage(Model):
    """Speaks everything in the call's language."""

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        say = tuple(evolve(prompt, language=language) for prompt in turn.say)
        return super().speak(evolve(turn, say=say), language, stops=stops)


class Talkative(Model):
    """Logs the keys."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        self.log += taken
        return super().digits(gather, taken, ended, interrupted)


class WaitsForMore(Model):
    """Waits for an end key that is not needed."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        if ended is Ended.FULL:
            self.key(gather.next_key_wait)
        return super().digits(gather, taken, ended, interrupted)


class KeepsEndKey(Model):
    """Leaves the end key among the keys."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        end = gather.end_key if ended is Ended.END_KEY and taken else ""
        return super().digits(gather, taken + end, ended, interrupted)


class MergesInMenus(Model):
    """Treats the end key alone as silence if one key is asked for."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        alone = not taken and gather.max_keys == 1
        return NoInput() if alone else super().digits(gather, taken, ended, interrupted)


class MergesInEntries(Model):
    """Treats the end key alone as silence if several keys are asked for."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        alone = not taken and gather.max_keys > 1
        return NoInput() if alone else super().digits(gather, taken, ended, interrupted)


class DropsPart(Model):
    """Reports too few keys as silence."""

    def silence(self, gather: Gather, taken: str, interrupted: int | None) -> CallerEvent:
        return NoInput()


class NothingIsKeys(Model):
    """Reports silence as an entry without keys."""

    def silence(self, gather: Gather, taken: str, interrupted: int | None) -> CallerEvent:
        return Digits(keys(taken), Ended.TIMEOUT, interrupted)


class KeysThenGone(Model):
    """Reports the keys of a caller who has hung up."""

    def gather(self, gather: Gather, interrupted: int | None) -> CallerEvent:
        told = super().gather(gather, interrupted)
        return NoInput() if isinstance(told, HungUp) else told


class OneWait(Model):
    """Waits for the first key no longer than for the next."""

    def gather(self, gather: Gather, interrupted: int | None) -> CallerEvent:
        return super().gather(evolve(gather, first_key_wait=gather.next_key_wait), interrupted)


class LongWait(Model):
    """Waits for the next key as long as for the first."""

    def gather(self, gather: Gather, interrupted: int | None) -> CallerEvent:
        return super().gather(evolve(gather, next_key_wait=gather.first_key_wait), interrupted)


class AlwaysPound(Model):
    """Ends every gather at #."""

    def gather(self, gather: Gather, interrupted: int | None) -> CallerEvent:
        return super().gather(evolve(gather, end_key="#"), interrupted)


class Filters(Model):
    """Drops keys that the gather does not list."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        kept = "".join(key for key in taken if key in gather.keys + "#")
        return super().digits(gather, kept, ended, interrupted) if kept == taken else NoInput()


class LateEndKeyCounts(Model):
    """Lets the end key of one gather answer the next."""

    def is_late(self, key: str) -> bool:
        return False


class TalksOn(Model):
    """Speaks to the end, whatever is pressed."""

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        key, interrupted = super().speak(turn, language, stops=stops)
        if key not in ("", ON_HOOK):
            super().speak(evolve(turn, say=turn.say[interrupted + 1 :]), language, stops=False)
        return key, interrupted


class Forgetful(Model):
    """Does not report which prompt a key interrupted."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        return super().digits(gather, taken, ended, None)


class PretendsToSpeak(Model):
    """Counts a prompt that could not be played as heard."""

    def unheard(self, turn: Turn) -> int | None:
        return None


class AlwaysStops(Model):
    """Lets every key interrupt."""

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        return super().speak(turn, language, stops=isinstance(turn.then, Gather))


class DropsAhead(Model):
    """Discards keys pressed ahead."""

    def turn(self, turn: Turn, language: str) -> CallerEvent | None:
        self.ahead = ""
        self.caller.plan(prompts=len(turn.say)) if isinstance(turn.then, Gather) else None
        return super().turn(turn, language)


class AheadIsHeard(Model):
    """Reports keys pressed ahead as pressed after all prompts."""

    def turn(self, turn: Turn, language: str) -> CallerEvent | None:
        told = super().turn(turn, language)
        return (
            evolve(told, interrupted=told.interrupted or None) if isinstance(told, Digits) else told
        )


class NeverFlushes(Model):
    """Keeps keys pressed ahead of a consent."""

    def flush(self) -> None:
        pass


class Deaf(Model):
    """Loses keys pressed while a request runs."""

    def waiting(self, key: str) -> bool:
        return key == ON_HOOK


class DeafInRequests(Model):
    """Loses keys pressed during the words of a request."""

    def keep(self, key: str) -> None:
        pass


class KeepsFromTransfer(Model):
    """Keeps keys pressed during a transfer."""

    def transfer(self) -> CallerEvent:
        self.ahead = "1"
        told = super().transfer()
        self.ahead = "1"
        return told


class AnswersRequests(Model):
    """Reports silence even if nothing is asked."""

    def request(self) -> CallerEvent | None:
        return NoInput()


class NeverReturns(Model):
    """Reports the end of the call as a hang-up."""

    def back(self) -> CallerEvent | None:
        return HungUp()


class Hopeful(Model):
    """Reports every transfer as answered."""

    def transfer(self) -> CallerEvent:
        told = super().transfer()
        answered = TransferEnded(TransferResult.ANSWERED)
        return answered if isinstance(told, TransferEnded) else told


class FailsForGone(Model):
    """Reports a hang-up during a transfer as a failed transfer."""

    def transfer(self) -> CallerEvent:
        told = super().transfer()
        return TransferEnded(TransferResult.FAILED) if isinstance(told, HungUp) else told


class LateToNotice(Model):
    """Notices a hang-up only while it waits for keys."""

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        key, interrupted = super().speak(turn, language, stops=stops)
        return (
            ("", 0) if key == ON_HOOK and not isinstance(turn.then, Gather) else (key, interrupted)
        )


class TalksToNobody(Model):
    """Keeps speaking after a hang-up."""

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        if self.gone:
            self.caller.begins("anybody there?")
        return super().perform(turn, language)


class Raises(Model):
    """Raises when the connection is lost."""

    def cut(self) -> bool:
        self.lost = {"offer", "menu_help", "person_offer"}
        self.caller.gone = True
        return True

    def key(self, wait: float) -> str:
        if self.caller.gone and self.lost:
            raise BrokenPipeError
        return super().key(wait)


class Twice(Model):
    """Delivers a press again at the next question."""

    def digits(
        self, gather: Gather, taken: str, ended: Ended, interrupted: int | None
    ) -> CallerEvent:
        if not self.log.count("again"):
            self.log += "again"
            self.ahead = taken + self.ahead
        return super().digits(gather, taken, ended, interrupted)


class SpeaksOnce(Model):
    """Does not repeat prompts."""

    def speak(self, turn: Turn, language: str, *, stops: bool) -> tuple[str, int]:
        said = {self.utterance(prompt, language) for prompt in turn.say} & {*self.caller.heard}
        return ("", 0) if said else super().speak(turn, language, stops=stops)


class Shared(Model):
    """Shares keys pressed ahead among all calls."""

    everybody: str = ""

    @property
    def ahead(self) -> str:
        return Shared.everybody

    @ahead.setter
    def ahead(self, pressed: str) -> None:
        Shared.everybody = pressed


BROKEN: Mapping[str, tuple[type[Model], ...]] = {
    "_in_order": (Backwards,),
    "_in_its_language": (OneLanguage,),
    "_silent": (Talkative,),
    "_complete": (WaitsForMore,),
    "_end_key": (KeepsEndKey,),
    "_end_key_alone": (MergesInMenus,),
    "_end_key_alone_in_entry": (MergesInEntries,),
    "_too_few": (DropsPart,),
    "_nothing": (NothingIsKeys,),
    "_hung_up": (KeysThenGone,),
    "_first_wait": (OneWait,),
    "_next_wait": (LongWait,),
    "_no_end_key": (AlwaysPound,),
    "_every_key": (Filters,),
    "_late_end_key": (LateEndKeyCounts,),
    "_interrupts": (TalksOn,),
    "_which_prompt": (Forgetful,),
    "_not_played": (PretendsToSpeak,),
    "_no_barge_in": (AlwaysStops,),
    "_kept": (DropsAhead, AheadIsHeard),
    "_flushed": (NeverFlushes,),
    "_flushed_while_waiting": (NeverFlushes,),
    "_beyond": (DropsAhead,),
    "_while_waiting": (Deaf,),
    "_in_one_moment": (DeafInRequests,),
    "_in_transfer": (KeepsFromTransfer,),
    "_request": (AnswersRequests,),
    "_return": (NeverReturns,),
    "_transfer": (Hopeful,),
    "_hangs_up_in_transfer": (FailsForGone,),
    "_any_moment": (LateToNotice,),
    "_stays_gone": (TalksToNobody,),
    "_cut": (Raises,),
    "_once": (Twice,),
    "_again": (SpeaksOnce,),
    "_share_nothing": (Shared,),
}
PAIRS = [(name, broken) for name, all_broken in BROKEN.items() for broken in all_broken]


def test_every_promise_is_tried() -> None:
    """There is a broken gateway for every promise."""
    assert {check.__name__ for check in PROMISES} == BROKEN.keys()


@pytest.mark.parametrize(("name", "broken"), PAIRS)
def test_every_promise_can_be_broken(name: str, broken: type[Model]) -> None:
    """If a gateway breaks a promise, the error has the promise's words."""
    (check,) = (check for check in PROMISES if check.__name__ == name)
    assert check.__doc__

    with pytest.raises(AssertionError, match="promises are broken") as told:
        check_session_gateway(broken)

    assert check.__doc__ in str(told.value)


def test_what_is_not_claimed_is_left_out() -> None:
    """A gateway that admits what it does worse is checked for the rest."""
    check_session_gateway(
        lambda: Deaf(capabilities=Capabilities("x", keys_while_waiting=Claim(How.DEGRADED)))
    )


def test_every_sentence_has_a_check() -> None:
    """Each rule of the contract is named by a check, except the one that the driver keeps."""
    sentences = set(re.findall(r"^\| (G\d\d) ", CONTRACT.read_text("utf-8"), re.MULTILINE))
    named = {s for check in PROMISES for s in re.findall(r"G\d\d", check.__doc__ or "")}

    assert sentences - named == {"G35"}
    assert named <= sentences
