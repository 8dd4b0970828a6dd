"""A Flask application with both a Twilio gateway and the host's side.

Serve it with `flask --app examples/flask_app.py run`. Run as a script, it simulates a call.
"""

import re
from html import unescape

from flask import Flask, Response, request
from twilio_host import HOST_KEY, PAPERLESS, call_comes_back, call_comes_in, paid

from paperless_ivr import Catalog, Flow, Setup, WebDriver, WebRequest
from paperless_ivr.backends.demo import BILLER, payment, springfield
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import credential
from paperless_ivr.testing.twilio import SimulatedTwilio
from paperless_ivr.testing.virtual_caller import Press

flow = Flow()
words = Catalog.of(flow.terms.policy)
store = SeparateStores(MemoryRecord(), MemoryLiveCalls())
setup = Setup(flow, words, springfield(), store)
gateway = TwilioGateway(
    words,
    BILLER,
    auth_token=credential("the account's auth token"),
    address=PAPERLESS,
    host="https://ivr.example.com/back",
    host_key=HOST_KEY,
)
driver = WebDriver(setup, gateway, credential("the same for every worker"))

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 65_536


@app.post("/twilio/<path:path>")
def paperless(path: str) -> Response:
    """Answer Twilio's requests to the gateway."""
    reply = driver.answer(
        WebRequest(
            path=f"/{path}",
            query=request.query_string.decode("latin-1"),
            body=request.get_data(),
            headers={name.lower(): value for name, value in request.headers.items()},
        )
    )
    return Response(reply.document, reply.status, content_type=gateway.media_type)


@app.post("/voice")
def voice() -> str:
    """Answer the webhook of the phone number."""
    return call_comes_in()


@app.post("/back")
def back() -> str:
    """Continue a call that the gateway has given back."""
    return call_comes_back(request.query_string.decode("latin-1"))


@app.post("/paid")
def after_payment() -> str:
    """Hand the call over after the payment."""
    return paid(payment("rivera").guid.reveal(), request.query_string.decode("latin-1"))


# ── a simulated call ──


KEYS = ("", "1", "1137", "1", "2")
"""The caller presses nothing at the start of the call. Before the payment, they press yes, the last
four digits, and yes to the bill. The 2 would decline a text, but this policy offers none."""


def take_a_call() -> None:
    """Run a call through the three moments, and print the disposition after each."""
    twilio, web, keys = SimulatedTwilio(gateway), app.test_client(), iter(KEYS)
    document = web.post("/voice").text
    while "<Hangup" not in document:
        if own := re.search(r">(/paid[^<]*)<", document):
            document = web.post(unescape(own[1])).text
            continue
        pressed = next(keys, "") if "<Gather" in document else ""
        twilio.caller.plan(*[Press(pressed)] * bool(pressed), prompts=document.count("<Say"))
        asked = twilio.follow(document)
        if asked is None:
            print(f"{twilio.handed_back['moment']}: {twilio.handed_back['disposition']}")
            document = web.post(f"/back?{twilio.query}").text
        else:
            address = f"/twilio{asked.path}?{asked.query}"
            document = web.post(address, data=asked.body, headers=dict(asked.headers)).text


if __name__ == "__main__":
    take_a_call()
