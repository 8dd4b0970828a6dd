"""The host's side on Twilio: TwiML that hands a call over at three moments, and goes on after each.

The host is the payment line. It answers the call, offers paperless billing at the start, before the
payment and after it, and takes the payment in between.
"""

from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from paperless_ivr.gateways.twilio import read_handback
from paperless_ivr.secret import credential

PAPERLESS = "https://ivr.example.com/twilio"
"""Where `paperless-ivr serve`, or a gateway in an application of one's own, is reached."""
HOST_KEY = credential("shared with paperless_ivr")


def twiml(*verbs: tuple[str, str]) -> str:
    """A response of plain verbs."""
    root = ET.Element("Response")
    for name, text in verbs:
        ET.SubElement(root, name).text = text or None
    return ET.tostring(root, encoding="unicode")


def hand_over(**told: str) -> str:
    """Hands the call over, with what the host knows."""
    return twiml(("Redirect", f"{PAPERLESS}/begin?{urlencode(told)}"))


def call_comes_in() -> str:
    """The number's own webhook: the offer at the start of the call."""
    return hand_over(moment="start", language="en-US")


def call_comes_back(query: str) -> str:
    """The URL that a gateway is given as `host`: the call goes on where it was handed over."""
    told = read_handback(query, HOST_KEY)
    if told["disposition"] == "transferred":
        return twiml(("Hangup", ""))
    match told["moment"]:
        case "start":
            return main_menu(told["unused_keys"])
        case "before_payment":
            return twiml(("Say", "Please enter your card number."), ("Redirect", "/paid"))
        case _:
            return twiml(("Say", "Goodbye."), ("Hangup", ""))


def main_menu(key: str) -> str:
    """The host's own menu; a key that was pressed at the offer is acted on at once."""
    if key == "2":
        return twiml(("Say", "Our office is open from nine to five."), ("Hangup", ""))
    return hand_over(moment="before_payment", language="en-US", account="20481137")


def paid(guid: str) -> str:
    """The payment was taken: its GUID is handed over, and never a card number."""
    return hand_over(
        moment="after_payment",
        language="en-US",
        identity="account_keyed",
        payment_guid=guid,
        payment_approved="yes",
    )


if __name__ == "__main__":
    print(call_comes_in())
    print(main_menu("1"))
    print(paid("p-1"))
