"""Never run: what a type checker must know about the names from `import paperless_ivr`."""

from typing import assert_type

import paperless_ivr
from paperless_ivr import Arrival, Digits, Flow, Handback, Moment, Return, Turn, keys

assert_type(paperless_ivr.__version__, str)
flow = Flow()
turn = flow.begin(Arrival("call-1", "springfield-water", Moment.START))
assert_type(turn, Turn)
turn = flow.advance(turn.call, Digits(keys("1")))
assert isinstance(turn.then, Return)
assert_type(turn.then.handback, Handback)

Flow(policy="none")  # type: ignore[call-arg]  # a flow is set up with terms
Digits("1")  # type: ignore[arg-type]  # pressed keys are secret
paperless_ivr.Flaw()  # type: ignore[attr-defined]
