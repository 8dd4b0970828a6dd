"""Random callers and random back ends, with the same invariants as the exhaustive walk."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.live import Live, Token, deliver
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.turns import Gather, Return
from paperless_ivr.flow.view import CallView, Terms
from paperless_ivr.proof.cases import cases
from paperless_ivr.proof.exploration import GUESSED, Move, alphabet, tries, writes
from paperless_ivr.proof.invariants import INVARIANTS
from tests.counts import heavy

CASES = cases()
MOVES_AT_MOST = 400


class AnyCall(RuleBasedStateMachine):
    """A call under the full default policy: any caller, any answers, in any order."""

    @initialize(case=st.sampled_from(CASES))
    def arrive(self, case):
        """Have the host hand a call over."""
        self.case = case
        self.flow = Flow(Terms(case.policy))
        turn = self.flow.begin(case.arrival)
        self.live = Live(turn)
        self.past = []
        self.sent = self.cleared = frozenset()
        self.tried = GUESSED.get(turn.call.state)
        self.moves = 0

    @property
    def turn(self):
        """What the call says and waits for."""
        return self.live.turn

    def go_on(self):
        """Whether the call still waits for something."""
        return not isinstance(self.turn.then, Return)

    def view(self):
        """The call under its terms."""
        return CallView(self.turn.call, self.flow.terms)

    def move(self, event, token, **flags):
        """Deliver an answer, and check the move against every invariant."""
        live = deliver(self.flow, self.live, token, event)
        view, sent, cleared = self.view(), self.sent, self.cleared
        history = {"sent": sent, "cleared": cleared, "tried": self.tried}
        made = Move(view, self.turn, event, live.turn, **history, **flags)
        for name, held in INVARIANTS.items():
            problem = held(self.flow, made)
            assert problem is None, f"{name}: {problem}"
        self.sent, self.cleared = writes(made)
        self.tried = tries(made)
        self.live = live

    @precondition(go_on)
    @rule(data=st.data())
    def happen(self, data):
        """Let something happen that can happen now."""
        event = data.draw(st.sampled_from(alphabet(self.flow, self.turn, self.case.world)))
        self.past.append((self.live.token, event))
        self.moves += 1
        self.move(event, self.live.token)

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_again(self, data):
        """Deliver something again that happened before: nothing changes."""
        token, event = data.draw(st.sampled_from(self.past))
        before = self.live
        if isinstance(self.turn.then, Gather):
            self.move(event, token, late=True)
        else:
            self.live = deliver(self.flow, self.live, token, event)

        assert before == self.live

    @rule(number=st.integers(-3, 3))
    def deliver_elsewhere(self, number):
        """An answer for another call, or for a turn that is not current, changes nothing."""
        if self.past and number:
            other = Token(self.live.token.call_id, self.live.number + number)
            after = deliver(self.flow, self.live, other, self.past[0][1])

            assert after == self.live

    @invariant()
    def saved_calls_load_equal(self):
        """The call, and its turn, are the same after saving and loading."""
        if hasattr(self, "live"):
            loaded = load(dump(self.live.call))

            assert loaded == self.live.call
            assert self.flow.turn(loaded).say == self.turn.say

    @invariant()
    def calls_end(self):
        """No call is longer than its budgets allow."""
        assert getattr(self, "moves", 0) < MOVES_AT_MOST


AnyCall.TestCase.settings = settings(
    max_examples=heavy(50, 150),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyCall = pytest.mark.prove(pytest.mark.requirement("R09", "R10", "R42")(AnyCall.TestCase))
