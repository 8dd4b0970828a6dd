"""Two facts before anything new: whether an address of the caller's own may be used (R17, R47).

The first is the whole account number; its last four digits are not. The second is caller ID that
equals the phone number on file, or the last four digits of that number. Where the host vouches
for the caller, neither is asked for.
"""

from paperless_ivr.flow import bills
from paperless_ivr.flow.events import Customer
from paperless_ivr.flow.host import Identity
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.scene import Scene
from paperless_ivr.keypad import textable
from paperless_ivr.secret import Secret


def number_shown(scene: Scene) -> bool:
    """Whether the caller has shown the whole account number of the customer.

    That of another account which the search found with it does not count, nor does one that
    is no longer than its last four digits.
    """
    customer = scene.customer
    if customer is None or not scene.terms.accounts.is_long(customer.account.reveal()):
        return False
    return scene.call.identity_of(customer.account) >= Identity.ACCOUNT_KEYED


def phone_shown(scene: Scene) -> bool:
    """Whether the caller calls from the phone on file, or has keyed its last four digits."""
    phone = phone_to_show(scene)
    return phone is not None and (phone == scene.call.shown.phone or calls_from(scene, phone))


def phone_to_show(scene: Scene) -> Secret | None:
    """The customer's phone number, where it tells them from others: not one that many share."""
    phone = scene.customer.phone if scene.customer else None
    return None if scene.call.crowded and phone == scene.call.host.ani else phone


def calls_from(scene: Scene, phone: Secret | None) -> bool:
    """Whether caller ID is this number; both are E.164 wherever they come from (`flow.known`)."""
    return phone is not None and phone == scene.call.host.ani and not scene.call.crowded


def vouched(scene: Scene) -> bool:
    """Whether the host vouches for the caller as this customer: verified, or has just paid."""
    customer = scene.customer
    if customer is None:
        return False
    verified = scene.call.identity_of(customer.account) is Identity.VERIFIED
    return verified or bills.paid_by(scene, customer)


def handed_over_vouched(scene: Scene) -> bool:
    """Whether the host vouches for the caller as who has the account that it hands over."""
    return scene.call.host.identity is Identity.VERIFIED or handed_over_paid(scene)


def handed_over_paid(scene: Scene) -> bool:
    """Whether the host's payment names the account that it hands over."""
    account = scene.account
    return account is not None and bills.paid_by(scene, Customer(id=account, account=account))


def both_shown(scene: Scene) -> bool:
    """Whether an address of the caller's own may be used."""
    if vouched(scene) or not scene.policy.proof.two_facts:
        return True
    return number_shown(scene) and phone_shown(scene)


def can_show(scene: Scene) -> bool:
    """Whether it may be used, or the caller can still show what is missing."""
    if both_shown(scene):
        return True
    customer = scene.customer
    if customer is None or scene.call.shown.gave_up or phone_to_show(scene) is None:
        return False
    return number_shown(scene) or scene.terms.accounts.is_long(customer.account.reveal())


def number_to_text(scene: Scene) -> Secret | None:
    """The number to text to: the one that was keyed, or the one on file if it may get texts.

    One that gets none is a fact all the same.
    """
    on_file = scene.customer.phone if scene.customer else None
    to_file = on_file and gets_texts(scene.policy, on_file.reveal())
    return scene.call.contact.phone or (on_file if to_file else None)


def number_known(scene: Scene) -> bool:
    """There is a number to text to."""
    return number_to_text(scene) is not None


def gets_texts(policy: Policy, number: str) -> bool:
    """Whether texts may go to a number (E.164), by the policy (R07)."""
    return textable(number, policy.text.regions, toll_free=policy.text.to_toll_free)


def can_text(scene: Scene) -> bool:
    """There is a number to text to, or the caller may key one."""
    return number_known(scene) or can_show(scene)
