"""What a policy means, in plain words: for whoever approves it."""

from collections.abc import Iterable, Iterator

from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import Notifier, Policy, Strategy

MOMENTS = {
    Moment.START: "at the start of a call",
    Moment.BEFORE_PAYMENT: "before a payment",
    Moment.AFTER_PAYMENT: "after a payment",
}
STRATEGIES = {
    Strategy.ON_FILE: "the address on file",
    Strategy.TEXT_LINK: "a link by text message, where the caller types it",
    Strategy.KEYPAD: "the keypad",
    Strategy.AGENT: "a person",
}


def meaning(policy: Policy) -> Iterator[str]:
    """A policy in sentences."""
    yield from _whose(policy)
    yield from _offer(policy)
    yield from _proof(policy)
    yield from _account(policy)
    yield from _address(policy)
    yield from _after(policy)
    yield from _patience(policy)


def _whose(policy: Policy) -> Iterator[str]:
    about = policy.about
    approved = f"approved by {about.approved_by}"
    if about.approved_on:
        approved += f" on {about.approved_on}"
    since = f"; no call runs under it before {about.in_force_from}" if about.in_force_from else ""
    whose = f"{policy.biller.name}'s, version {about.version}, owned by {about.owner}"
    yield f"It is {whose}, {approved}{since}."
    languages = policy.languages
    if len(languages.offered) > 1:
        yield (
            f"Callers choose among {_and(languages.offered)} unless the host says; "
            f"silence means {languages.default}."
        )
    else:
        yield f"Everything is said in {languages.default}."


def _offer(policy: Policy) -> Iterator[str]:
    moments = [MOMENTS[moment] for moment in policy.offer.moments]
    yield f"Paperless billing is offered {_and(moments)}." if moments else "No offer is made."
    days = policy.offer.again_after_days
    no, silence = days[Disposition.DECLINED], days[Disposition.IGNORED]
    yield f"After a no the caller is not asked again for {no} days, after silence for {silence}."
    eligible = policy.bills.eligible
    if eligible is None:
        yield "Every type of bill can go paperless."
    else:
        yield f"These types of bills can go paperless: {_and(eligible)}."


def _proof(policy: Policy) -> Iterator[str]:
    if policy.proof.search_by_phone:
        yield (
            "Caller ID may find the account; then the last four digits of the account number "
            f"are asked for, {policy.proof.last_four_tries} times at most. Where more than "
            f"{policy.proof.last_four_accounts} accounts are found, the whole number is."
        )
    else:
        yield "Every caller keys the account number."
    if policy.proof.two_facts:
        yield (
            "An e-mail address or phone number of the caller's own is used only after the whole "
            "account number and the phone number on file, by caller ID or its last four digits."
        )
    else:
        yield "An e-mail address or phone number of the caller's own needs no further proof."


def _account(policy: Policy) -> Iterator[str]:
    account, (fewest, most) = policy.account, policy.proof.account_keys
    if account.forms:
        yield (
            f"Account numbers are written {_and(account.forms)} (# a digit, ? a letter, which "
            "takes two keys); other signs are not keyed."
        )
    else:
        yield f"Account numbers are {fewest} to {most} digits; one with letters cannot be keyed."


def _address(policy: Policy) -> Iterator[str]:
    ways = [STRATEGIES[strategy] for strategy in policy.address.strategies]
    yield f"The e-mail address comes from, in this order: {', then '.join(ways)}."
    if policy.address.email_required:
        yield "Nobody is enrolled without an e-mail address."
    else:
        yield "A texted link alone is enough to enroll; no e-mail address is needed."
    yield "Nothing is enrolled, texted or undone without a yes of its own."


def _after(policy: Policy) -> Iterator[str]:
    who = {
        Notifier.SERVICE: "the billing service",
        Notifier.BILLER: f"{policy.biller.name}",
    }[policy.notification.sent_by]
    yield (
        f"The link that completes it is e-mailed by {who}; callers hear how many more bills "
        f"may come on paper: {policy.notification.bills_still_on_paper}."
    )
    yield (
        "AutoPay is offered after a payment, with a yes of its own."
        if policy.autopay.offer
        else "AutoPay is not offered."
    )
    yield (
        "Going back to paper works by telephone."
        if policy.back_to_paper.by_phone
        else "Going back to paper does not work by telephone; a person is offered."
    )


def _patience(policy: Policy) -> Iterator[str]:
    budgets = policy.budgets
    yield (
        f"A caller waits for the service for {budgets.read:g} seconds at most when it is "
        f"asked, {budgets.write:g} when something is stored."
    )


def _and(items: Iterable[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
