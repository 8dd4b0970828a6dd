"""Random callers against random back ends, with the same invariants as the exhaustive walk."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paperless_ivr.drive.live import Live, Token, deliver
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.scene import Scene, Terms
from paperless_ivr.flow.turns import Gather, Return
from paperless_ivr.testing.exploration import Move, alphabet, writes
from paperless_ivr.testing.invariants import INVARIANTS
from paperless_ivr.testing.proof import cases

CASES = cases()
MOVES_AT_MOST = 400


class AnyCall(RuleBasedStateMachine):
    """A call under the full default policy: whoever calls, whatever answers, in any order."""

    @initialize(case=st.sampled_from(CASES))
    def arrive(self, case):
        """The host hands a call over."""
        self.case = case
        self.flow = Flow(Terms(case.policy))
        turn = self.flow.begin(case.arrival)
        self.live, self.turn = Live(turn.call), turn
        self.past = []
        self.sent = self.cleared = frozenset()
        self.moves = 0

    def go_on(self):
        """Whether the call still waits for something."""
        return not isinstance(self.turn.then, Return)

    def move(self, event, token, **flags):
        """Delivers an answer, and holds the move against every invariant."""
        live, after = deliver(self.flow, self.live, token, event)
        made = Move(self.turn, event, after, sent=self.sent, cleared=self.cleared, **flags)
        for name, held in INVARIANTS.items():
            problem = held(self.flow, made)
            assert problem is None, f"{name}: {problem}"
        self.sent, self.cleared = writes(made)
        self.live, self.turn = live, after

    @precondition(go_on)
    @rule(data=st.data())
    def happen(self, data):
        """Something that can happen now happens."""
        scene = Scene(self.turn.call, self.flow.terms)
        event = data.draw(st.sampled_from(alphabet(scene, self.turn, self.case.world)))
        self.past.append((self.live.token, event))
        self.moves += 1
        self.move(event, self.live.token)

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_again(self, data):
        """Something that happened before is delivered once more: nothing changes."""
        token, event = data.draw(st.sampled_from(self.past))
        before = self.live
        if isinstance(self.turn.then, Gather):
            self.move(event, token, late=True)
        else:
            self.live, _ = deliver(self.flow, self.live, token, event)

        assert before == self.live

    @rule(number=st.integers(-3, 3))
    def deliver_elsewhere(self, number):
        """An answer for another call, or for a turn that is not, changes nothing."""
        if self.past and number:
            other = Token(self.live.token.call_id, self.live.turn + number)
            after, _ = deliver(self.flow, self.live, other, self.past[0][1])

            assert after == self.live

    @invariant()
    def saved_calls_load_equal(self):
        """The call is the same after a save and a load, and so is its turn."""
        if hasattr(self, "live"):
            loaded = load(dump(self.live.call))

            assert loaded == self.live.call
            assert self.flow.turn(loaded).say == self.turn.say

    @invariant()
    def calls_end(self):
        """No call is longer than its budgets allow."""
        assert getattr(self, "moves", 0) < MOVES_AT_MOST


AnyCall.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyCall = pytest.mark.requirement("R09", "R10", "R42")(AnyCall.TestCase)
