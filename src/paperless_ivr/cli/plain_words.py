"""A policy in plain words, for the person who approves it."""

from collections.abc import Iterable, Iterator

from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import Notifier, Offer, OfferReason, Policy, Reminder, Strategy

MOMENTS = {
    Moment.START: "at the start of a call",
    Moment.BEFORE_PAYMENT: "before a payment",
    Moment.AFTER_PAYMENT: "after a payment",
}
STRATEGIES = {
    Strategy.ON_FILE: "the address on file",
    Strategy.TEXT_LINK: "a texted link to a page where the caller types it",
    Strategy.KEYPAD: "the keypad",
    Strategy.AGENT: "a person",
}


def meaning(policy: Policy) -> Iterator[str]:
    """Yield sentences that explain a policy."""
    yield from _whose(policy)
    yield from _offer(policy)
    yield from _proof(policy)
    yield from _account(policy)
    yield from _address(policy)
    yield from _after(policy)
    yield from _patience(policy)


def _whose(policy: Policy) -> Iterator[str]:
    about = policy.about
    approved = f"Approved by {about.approved_by}" if about.is_approved else "Not approved yet"
    if about.is_approved and about.approved_on:
        approved += f" on {about.approved_on}"
    yield f"Version {about.version}, for {policy.biller.name}. Owner: {about.owner}. {approved}."
    if about.in_force_from:
        yield f"It takes effect on {about.in_force_from}."
    languages = policy.languages
    if len(languages.offered) > 1:
        yield (
            f"The languages are {_and(languages.offered)}. Callers choose one, unless the host "
            f"already has; silence means {languages.default}."
        )
    else:
        yield f"Everything is spoken in {languages.default}."


def _offer(policy: Policy) -> Iterator[str]:
    moments = [MOMENTS[moment] for moment in policy.offer.moments]
    yield f"Paperless billing is offered {_and(moments)}." if moments else "No offer is made."
    yield from _question(policy.offer)
    days = policy.offer.again_after_days
    no, silence = days[Disposition.DECLINED], days[Disposition.IGNORED]
    yield f"After a no, the caller is not asked again for {no} days; after silence, for {silence}."
    eligible = policy.bills.eligible
    if eligible is None:
        yield "All types of bills can go paperless."
    else:
        yield f"These types of bills can go paperless: {_and(eligible)}."


def _question(offer: Offer) -> Iterator[str]:
    if offer.one_question:
        yield (
            f"{_and(MOMENTS[moment] for moment in offer.one_question).capitalize()}, callers "
            "whom the host vouches for, with one bill and an address on file, hear the bill, the "
            "address, and what happens next in the offer itself, and consent with one key."
        )
    match offer.reason:
        case OfferReason.REMINDER:
            by = "text" if offer.reminder_by is Reminder.TEXT else "e-mail"
            days = f"{offer.reminder_days} day{'s' * (offer.reminder_days > 1)}"
            yield f"The offer mentions a reminder by {by}, {days} before a bill is due."
        case OfferReason.INCENTIVE:
            yield f"The offer mentions the incentive until {offer.incentive_until}."
        case OfferReason.SOURCE:
            yield "The offer always begins with the sentence about waste."


def _proof(policy: Policy) -> Iterator[str]:
    if policy.proof.search_by_phone:
        yield (
            "If caller ID finds the account, the caller is asked for its last four "
            f"digits, at most {policy.proof.last_four_tries} times. If more than "
            f"{policy.proof.last_four_accounts} accounts are found, the caller keys the whole "
            "number."
        )
    else:
        yield "Every caller keys the whole account number."
    if policy.proof.two_facts:
        yield (
            "Callers can give a new e-mail address or phone number only after proving the whole "
            "account number and the phone number on file, by caller ID or its last four digits."
        )
    else:
        yield "Callers can give a new e-mail address or phone number without further proof."


def _account(policy: Policy) -> Iterator[str]:
    account, (fewest, most) = policy.account, policy.proof.account_keys
    if account.forms:
        yield (
            f"Account numbers are written {_and(account.forms)} (# is a digit, ? a letter, "
            "which takes two keys); other symbols are not keyed."
        )
    else:
        yield f"Account numbers have {fewest} to {most} digits; letters cannot be keyed."


def _address(policy: Policy) -> Iterator[str]:
    ways = [STRATEGIES[strategy] for strategy in policy.address.strategies]
    yield f"To get an e-mail address, the call tries, in this order: {', then '.join(ways)}."
    if policy.address.email_required:
        yield "No one is enrolled without an e-mail address."
    else:
        yield "A texted link alone is enough to enroll; no e-mail address is needed."
    yield "We never enroll a bill, send a text, or undo a change without a separate yes."


def _after(policy: Policy) -> Iterator[str]:
    who = {
        Notifier.SERVICE: "the billing service",
        Notifier.BILLER: f"{policy.biller.name}",
    }[policy.notification.sent_by]
    yield (
        f"The link that completes the enrollment is e-mailed by {who}. Callers hear how many more "
        f"bills may come on paper: {policy.notification.bills_still_on_paper}."
    )
    yield (
        "AutoPay is offered after a payment, and needs a separate yes."
        if policy.autopay.offer
        else "AutoPay is not offered."
    )
    yield (
        "Callers can go back to paper by telephone."
        if policy.back_to_paper.by_phone
        else "Callers cannot go back to paper by telephone; they are offered a transfer."
    )


def _patience(policy: Policy) -> Iterator[str]:
    budgets = policy.budgets
    yield (
        f"A caller waits at most {budgets.read:g} seconds for the service to answer a question, "
        f"and {budgets.write:g} for it to store something."
    )


def _and(items: Iterable[str]) -> str:
    *first, last = items
    comma = "," * (len(first) > 1)
    return f"{', '.join(first)}{comma} and {last}" if first else last
