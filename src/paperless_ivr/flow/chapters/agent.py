"""Agents: the offer, the transfer, and going on without an agent. Also leaving, and giving up."""

from typing import Any

from attrs import evolve

from paperless_ivr.flow.blocks import REPEAT, Ask, Chapter, Do, Pass
from paperless_ivr.flow.call import Call, PendingTransfer
from paperless_ivr.flow.events import Arrived, Digits, NoInput, TransferEnded, TransferResult
from paperless_ivr.flow.facts import Anything, Guard, agent, named, pound, settled, wrong_used_up
from paperless_ivr.flow.host import Reason
from paperless_ivr.flow.lines import Prompts, key, options, say
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import ASKING, State
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Transfer
from paperless_ivr.flow.updates import because, count_wrong_key, find_nobody, spend
from paperless_ivr.flow.view import CallView, Transition


@Phrase("an agent", key="0 1")
def chose_or_zero(c: Transition[Digits]) -> bool:
    """Whether the caller asked for an agent, by pressing 1 or 0."""
    return c.event.keys.reveal() in ("1", "0")


@Phrase("an agent answers, or unclear")
def taken(c: Transition[TransferEnded]) -> bool:
    """Whether an agent answered, or the runtime does not know whether one did."""
    return c.event.result in (TransferResult.ANSWERED, TransferResult.UNKNOWN)


def asked_at(state: State) -> Guard[Any]:
    """Return a guard that holds if the caller asked for an agent at this question."""
    guard = named(f"asked at {state.name}", lambda c: c.call.ringing.back_to is state)
    return Phrase("none free: back to where they asked", returns=True)(guard)


def otherwise(state: State) -> Guard[Any]:
    """Return a guard that holds if the call goes on to this state when there is no agent."""
    guard = named(f"otherwise {state.name}", lambda c: c.call.ringing.otherwise is state)
    words = "the next way to get an address" if state is S.ADDRESS else "the ending that was due"
    return Phrase(words)(guard)


def go_on_without(c: Anything) -> Call:
    """Note that no agent is available, so the call goes on without one."""
    return spend(c.call, people=1)


def note_tries_used_up(c: Anything) -> Call:
    """Request an agent, because no tries are left."""
    ringing = PendingTransfer(Reason.TRIES_USED_UP, None, S.INCOMPLETE)
    return evolve(
        c.call, ringing=ringing, results=evolve(c.call.results, reason=Reason.TRIES_USED_UP)
    )


def put_through(c: Anything) -> Call:
    """Note that an agent has the call."""
    reason = c.call.ringing.reason
    return evolve(c.call, results=evolve(c.call.results, reason=reason))


def put_through_to_agent(view: CallView) -> Transfer:
    """Transfer the caller to an agent, with the reason for the transfer."""
    return Transfer(view.call.ringing.reason)


PROMPTS: Prompts = {
    "connecting": (),
    "person_offer": (),
    "option_person": ("key",),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.AGENT_OFFER: Ask(
        "An agent may be able to do what the line could not.",
        title="Speak to an agent?",
        say=[options, say("person_offer")],
        keys=[key("1", Choice.YES, "option_person", words="an agent")],
        help=None,  # the usual help mentions another key for an agent
        ways=[
            On(Digits, S.TRANSFERRING, when=chose_or_zero),
            On(Digits, S.GO_ON, when=pound, words="alone: goes on without one"),
            On(NoInput, S.GO_ON),
            *REPEAT,
            On(Digits, S.GO_ON, when=wrong_used_up),
            On(Digits, REPROMPT, keep=count_wrong_key, words="any other key"),
        ],
    ),
    S.TRANSFERRING: Do(
        "The host puts the caller through.",
        title="Connect to an agent",
        say=[say("connecting")],
        ask=put_through_to_agent,
        answers=[TransferEnded],
        ways=[
            On(TransferEnded, S.TRANSFERRED, when=taken, keep=put_through),
            *(
                On(TransferEnded, state, when=asked_at(state), keep=find_nobody, say="nobody_free")
                for state in ASKING
                if state not in (S.OFFER_AT_START, S.AGENT_OFFER)
            ),
            On(TransferEnded, S.GO_ON, keep=go_on_without, say="nobody_free", words="none free, no question to go back to"),
        ],
    ),
    S.GO_ON: Pass(
        "No agent is free, or the caller does not want one.",
        title="Without an agent: what now?",
        ways=[
            *(
                On(Arrived, state, when=otherwise(state))
                for state in (S.NOT_OFFERED, S.NOT_IDENTIFIED, S.UNAVAILABLE, S.FAILED, S.OPT_OUT_REQUESTED, S.ADDRESS)
            ),
            On(Arrived, S.INCOMPLETE),
        ],
    ),
    S.GIVEN_UP: Pass(
        "Too many wrong keys, or too much silence.",
        title="Tries used up: what now?",
        ways=[
            On(Arrived, S.DONE, when=settled),
            On(Arrived, S.TRANSFERRING, when=agent, keep=note_tries_used_up),
            On(Arrived, S.INCOMPLETE, keep=because(Reason.TRIES_USED_UP)),
        ],
    ),
    S.LEAVING: Pass(
        "The caller pressed pound.",
        title="Leaves: what was done?",
        ways=[
            On(Arrived, S.DONE, when=settled),
            On(Arrived, S.LEFT),
        ],
    ),
}
