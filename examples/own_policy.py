"""A biller's own policy, and its own wording for one of the library's prompts."""

from pathlib import Path

from attrs import evolve

from paperless_ivr import Arrival, Catalog, Flow, Moment, Terms, load_policy
from paperless_ivr.flow.events import Screened
from paperless_ivr.prompts import said

policy = load_policy(Path(__file__).parent / "policies" / "springfield-water.toml")
arrival = Arrival("call-1", policy.biller.id, Moment.BEFORE_PAYMENT, language="en-US")
flow = Flow(Terms(policy))
turn = flow.advance(flow.begin(arrival).call, Screened())
print("before:", said(turn, "en-US", Catalog.of(policy)))

# In the policy file, this is written as: [words.en-US] offer = "..."
english = {**policy.words["en-US"], "offer": "Get your bills by e-mail?"}
ours = evolve(policy, words={**policy.words, "en-US": english})
print("after:", said(turn, "en-US", Catalog.of(ours)))
