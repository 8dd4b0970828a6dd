"""The host's side on Twilio: TwiML that hands a call over at three moments, and then continues it.

The host is the payment line. It answers the call and takes the payment. It hands the call over at
the start of the call, before the payment, and after the payment.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

from paperless_ivr.gateways.web import read_handback
from paperless_ivr.secret import credential

PAPERLESS = "https://ivr.example.com/twilio"
"""The address of `paperless-ivr serve`, or of a gateway in your own application."""
HOST_KEY = credential("shared with paperless_ivr")


def twiml(*verbs: tuple[str, str]) -> str:
    """Return a TwiML response made of verbs without attributes."""
    root = ET.Element("Response")
    for name, text in verbs:
        ET.SubElement(root, name).text = text or None
    return ET.tostring(root, encoding="unicode")


def hand_over(**told: str) -> str:
    """Hand the call over, with the details that the host knows."""
    return twiml(("Redirect", f"{PAPERLESS}/begin?{urlencode(told)}"))


def call_comes_in() -> str:
    """Answer the webhook of the phone number: hand the call over at its start."""
    return hand_over(moment="start", language="en-US")


def call_comes_back(query: str) -> str:
    """Answer the `host` URL of the gateway: continue from where the call was handed over.

    Even after a failure, the hand-back contains the moment at which the call was handed over,
    whether the caller was greeted, and whether they have paid.
    """
    told = read_handback(query, HOST_KEY)
    if told["disposition"] == "transferred":
        return twiml(("Hangup", ""))
    call = {name: told[name] for name in CARRIED}
    if told["paid"] == "yes" or told["moment"] == "after_payment":
        return goodbye()
    if told["moment"] == "before_payment":
        return ask_for_card(call)
    return main_menu(told["unused_keys"], call)


ACCOUNT = "20481137"
"""The account that the caller paid. A real host asks the caller for its number."""

CARRIED = ("offer_again", "greeted", "language")
"""The values that the host carries through the rest of the call in its own URLs."""


def main_menu(key: str, call: Mapping[str, str]) -> str:
    """Continue with the host's own menu. Act immediately on a key that was pressed at the offer."""
    if key == "2":
        return twiml(("Say", "Our office is open from nine to five."), ("Hangup", ""))
    if call["offer_again"] == "no":
        return ask_for_card(call)
    known = {"language": call["language"] or "en-US", "greeted": call["greeted"]}
    return hand_over(moment="before_payment", account=ACCOUNT, **known)


def ask_for_card(call: Mapping[str, str]) -> str:
    """Take the payment. First, greet the caller if that has not happened yet."""
    greeting = [("Say", "Thank you for calling.")] if call["greeted"] == "no" else []
    after = {**call, "greeted": "yes"}
    return twiml(
        *greeting,
        ("Say", "Please enter your card number."),
        ("Redirect", f"/paid?{urlencode(after)}"),
    )


def paid(guid: str, query: str) -> str:
    """Hand the call over after the payment, with the payment's GUID but never a card number.

    If an earlier hand-back has `offer_again=no`, the call is not handed over again.
    """
    call = dict(parse_qsl(query, keep_blank_values=True))
    if call["offer_again"] == "no":
        return goodbye()
    return hand_over(
        moment="after_payment",
        language=call["language"] or "en-US",
        greeted=call["greeted"],
        account=ACCOUNT,
        identity="account_keyed",
        payment_guid=guid,
        payment_approved="yes",
        payment_account=ACCOUNT,
    )


def goodbye() -> str:
    """End the call."""
    return twiml(("Say", "Goodbye."), ("Hangup", ""))


if __name__ == "__main__":
    call = {"offer_again": "yes", "greeted": "yes", "language": "en-US"}
    print(call_comes_in())
    print(main_menu("1", call))
    print(ask_for_card(call))
    print(paid("p-1", urlencode(call)))
