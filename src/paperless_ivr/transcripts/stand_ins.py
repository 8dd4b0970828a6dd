"""Stand-ins for the personal data in a call: random values of the same shape.

Within a call, equal values have equal stand-ins, and different numbers or domains have different
stand-ins. Everything that the flow depends on is kept: the length of a number, whether it could be
a payment card or a telephone number, which last four digits match, and how an address is spelled
key by key. Stand-ins are not computed from the values, so the values cannot be recovered from them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits

from attrs import define, evolve, field

from paperless_ivr import secret
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import Customer, Digits
from paperless_ivr.flow.facts import spelled_so_far
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.states import State
from paperless_ivr.flow.view import CallView, Terms
from paperless_ivr.keypad import last_four, looks_like_card, national
from paperless_ivr.keypad.lexicon import lexicon
from paperless_ivr.secret import Secret

TRIES = 2000
"""The maximum number of draws for one stand-in. About one number in 25 could be a payment card."""
LONG = 4
"""A value of at least this length, such as an account's last four digits, is personal wherever it
appears in a text."""
AREAS = ("201", "212", "217", "303", "312", "404", "415", "503", "602", "617", "713", "808")
"""Area codes. Together with 555-0100 to 555-0199, they form numbers reserved for fiction."""

Fits = Callable[[str], bool]

_CLASSES = (digits, ascii_lowercase, ascii_uppercase)
_ACCENTED = "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ"
"""The replacements for characters that are not ASCII."""
_SIGNS = ("-_+", "^`{|}~")
"""Symbols in the local part, in groups. The symbols of a group can replace each other."""


@define(eq=False, repr=False)
class StandIns:
    """The stand-ins of one call."""

    terms: Terms
    chance: Random
    real: frozenset[str]
    """The real values in the call. A stand-in is never one of these values, and never contains a
    long one."""
    domains: frozenset[str]
    """The complete domains that are spelled in the call."""
    _chosen: dict[tuple[str, str], str] = field(init=False, factory=dict)
    _days: timedelta = field(init=False)

    @_days.default
    def _make_days(self) -> timedelta:
        return timedelta(days=self.chance.randint(40, 300))

    # ── numbers ──

    def account(self, number: str) -> str:
        """Return a stand-in for a full, partial, or invalid account number, as keyed."""
        accounts = self.terms.accounts
        bare = accounts.bare(number)
        if not bare:
            return number  # it has no significant characters, so it identifies no one
        ending = last_four(number)
        if len(ending) < 4:
            return _refilled(number, bare, self._other("account", bare, lambda s: s[0] != "0"))
        last = self._last_four(ending)
        if len(number) == 4:
            return last

        def fits(other: str) -> bool:
            whole = _refilled(number, bare, other)
            alike = (looks_like_card, lambda s: accounts.read(s) is None, accounts.can_be_keyed)
            return other[0] != "0" and all(of(whole) == of(number) for of in alike)

        return _refilled(number, bare, self._other("account", bare, fits, lambda s: _end(s, last)))

    def _account_keyed(self, keyed: str) -> str:
        """Return a stand-in for an account number as keyed: two keys per letter, no symbols."""
        accounts = self.terms.accounts
        number = accounts.read(keyed)
        if number is None or not (accounts.any_letter or accounts.fixed_signs):
            return self.account(keyed)
        return accounts.keys(self.account(number)) or self.account(keyed)

    def _last_four(self, ending: str) -> str:
        """Return different last four digits. Keeps leading zeros, which may pad a short number."""
        counts = ending.lstrip("0")
        if not counts:
            return ending
        zeros = ending[: -len(counts)]

        def fits(other: str) -> bool:
            return other[0] != "0" and not self._tells(zeros + other)

        return zeros + self._other(f"last four after {zeros}", counts, fits)

    def invoice(self, number: str) -> str:
        """Return a stand-in for an invoice number. The last four digits can identify an invoice."""
        ending = last_four(number)
        if len(ending) < 4:
            return self._other("invoice", number)
        last = self._last_four(ending)
        return self._other("invoice", number, draw=lambda s: _end(s, last))

    def phone(self, number: str) -> str:
        """Return a stand-in for a phone number.

        If the number is North American, with +1, its stand-in is reserved for fiction.
        """
        there = self._national(number[-10:]) is not None
        if there and re.fullmatch(r"\+1\d{10}", number):
            made = lambda _: f"+1{self.chance.choice(AREAS)}55501{self.chance.randrange(100):02}"  # noqa: E731
            return self._other("phone", number, lambda _: True, made)
        return self._other(
            "phone", number, lambda s: (self._national(s[-10:]) is not None) == there
        )

    def _national(self, keyed: str) -> str | None:
        return national(keyed, self.terms.policy.text.region)

    # ── addresses ──

    def email(self, address: str) -> str:
        """Return a stand-in for an e-mail address."""
        local, at_sign, domain = address.rpartition("@")
        beginnings = (local[: end + 1] for end in range(len(local)))
        return "".join(map(self._local, beginnings)) + at_sign + self._domain(domain)

    def _local(self, text: str, begins: str = "") -> str:
        """Return a replacement for the last character of the local part of an address.

        The code of the replacement starts with the keys `begins`.
        """
        pool = _pool(text[-1], (*_CLASSES, *_SIGNS))
        fitting = "".join(c for c in pool if self._code(c).startswith(begins))
        there = self._chosen.get(("local", text))
        if there is not None and there in fitting:
            return there
        made = self._one_of(fitting, text[-1])
        self._chosen.setdefault(("local", text), made)
        return made

    def _one_of(self, pool: str, not_this: str) -> str:
        return self.chance.choice([c for c in pool if c != not_this] or [not_this])

    def _code(self, character: str) -> str:
        try:
            return self.terms.pad.code(character)
        except ValueError:
            return ""

    def _domain(self, domain: str) -> str:
        """Return a stand-in for a domain. Keeps known domains, and the last label of others."""
        if domain.lower() in self.terms.policy.address.domains:
            return domain
        labels, *last = domain.rsplit(".", 1)
        pad = self.terms.pad
        usable = pad.address("a", domain) is not None

        def made(_: str) -> str:
            other = self._shaped(labels)
            # A usable Punycode label ("xn--") becomes an ordinary one, which is always usable.
            return ".".join([other.replace("--", "xx") if usable else other, *last])

        def fits(other: str) -> bool:
            return (pad.address("a", other) is not None) == usable

        return self._other("domain", domain, fits, made)

    def _domain_so_far(self, text: str, begins: str = "") -> str:
        """Return a replacement for the last character of a partly spelled domain."""
        whole = next((d for d in sorted(self.domains) if d.startswith(text)), None)
        if whole is not None:
            character = self._domain(whole)[len(text) - 1]
            if self._code(character).startswith(begins):
                return character
        pool = _pool(text[-1])
        fitting = "".join(c for c in pool if self._code(c).startswith(begins))
        return self._one_of(fitting, text[-1])

    # ── keys ──

    def keys(self, call: Call, keyed: str, whole: str) -> str:
        """Return stand-ins for some keys of the entry `whole`. Keys at a menu are unchanged."""
        match call.state:
            case State.ACCOUNT_ENTRY | State.NUMBER_CHECK:
                return self._part(call, keyed, whole, self._account_keyed)
            case State.IDENTITY_CHECK:
                return self._part(call, keyed, whole, self._some_digits)
            case State.PHONE_CHECK:
                return self._part(call, keyed, whole, self._end_of_phone(call))
            case State.PHONE_CAPTURE:
                return self._part(call, keyed, whole, self._phone_keyed)
            case State.EMAIL_LOCAL | State.EMAIL_DOMAIN_ENTRY:
                before = len(call.entry.so_far or "")
                return self._pressed(call, whole)[before : before + len(keyed)]
            case State.EMAIL_EXACT:
                return self._spelled(call, keyed, self._local)
            case State.EMAIL_EXACT_DOMAIN:
                return self._spelled(call, keyed, self._domain_so_far)
            case _:
                return keyed

    def _part(self, call: Call, keyed: str, whole: str, other: Callable[[str], str]) -> str:
        """Return part of a number's stand-in. Keys that a star undoes are replaced separately."""
        *thrown, last = keyed.split("*")
        before = len(call.entry.so_far or "") if not thrown else 0
        return "*".join([*map(self._keyed, thrown), other(whole)[before : before + len(last)]])

    def _some_digits(self, keyed: str) -> str:
        return self._last_four(keyed) if len(keyed) == 4 else self._keyed(keyed)

    def _end_of_phone(self, call: Call) -> Callable[[str], str]:
        """Return a function that replaces the last four digits of a phone number.

        If the digits match a phone number on file, they become the last digits of its stand-in.
        """
        on_file = [who.phone.reveal() for who in call.found if who.phone]

        def other(keyed: str) -> str:
            whole = next((n for n in on_file if last_four(n) == keyed), None)
            return self._keyed(keyed) if whole is None else self.phone(whole)[-4:]

        return other

    def _phone_keyed(self, keyed: str) -> str:
        number = self._national(keyed)
        return self._keyed(keyed) if number is None else keyed[:-10] + self.phone(number)[-10:]

    def _keyed(self, keyed: str) -> str:
        """Return random digits that are not a phone number.

        A single 0 is kept, because it asks for an agent.
        """

        def fits(other: str) -> bool:
            return other != "0" and self._national(other) is None

        return keyed if keyed in ("", "0") else self._other("keys", keyed, fits)

    def _pressed(self, call: Call, whole: str) -> str:
        """Return replacement keys for an address that is spelled with one press per letter.

        The keys are random, or those of other names. Symbols and the last label of a domain are
        kept, and so is a single 0, which asks for an agent.
        """
        if whole == "0":
            return whole
        kept = whole.rfind("*") if call.state is State.EMAIL_DOMAIN_ENTRY else len(whole)

        def other(keys: re.Match[str]) -> str:
            return keys[0] if keys.start() > kept > 0 else self._other_name(keys[0])

        def drawn(_: str) -> str:
            return re.sub("[0-9]+", other, whole)

        return self._other(call.state.name, whole, draw=drawn)

    def _other_name(self, keyed: str) -> str:
        """Return replacement keys of the same length.

        They often end with a listed name, which is read as a word.
        """
        size = self.chance.randint(0, len(keyed))
        names = [name for name in lexicon().first.keyed if len(name) == size]
        name = self.chance.choice(names) if names else ""
        return self._shaped(keyed[len(name) :]) + name

    def _spelled(self, call: Call, keyed: str, other: Callable[[str, str], str]) -> str:
        """Replace keys that spell a text, code by code. Keeps stars and incomplete codes."""
        pad = self.terms.pad
        spelled = pad.spell(spelled_so_far(CallView(call, self.terms)))
        text, left, out = spelled.text, spelled.rest + keyed, ""
        begun = spelled.rest
        while left:
            size = 1 if left[0] == "*" else 2
            code, left = left[:size], left[size:]
            read = pad.spell(pad.code(text) + code)
            if read.rest:
                out += code
            elif code.endswith("*"):  # undoes the last character or half a code
                text, out = read.text, out + code
            elif read.bad:
                out += self._bad(code, begun)
            else:
                text, out = read.text, out + pad.code(other(read.text, begun))
            begun = ""
        return out[len(spelled.rest) :]

    def _bad(self, code: str, begun: str) -> str:
        """Return a different invalid code."""
        codes = (f"{n:02}" for n in range(100))
        pool = [c for c in codes if c.startswith(begun) and self.terms.pad.spell(c).bad]
        return self.chance.choice([c for c in pool if c != code] or [code])

    # ── bills ──

    def amount(self, amount: Decimal) -> Decimal:
        """Return a stand-in for an amount. Equal amounts have equal stand-ins."""
        return Decimal(
            self._chosen.setdefault(("amount", f"{amount:f}"), self._shaped(f"{amount:f}"))
        )

    def day(self, day: date) -> date:
        """Return a stand-in for a date. All dates in a call are shifted by the same amount."""
        return day - self._days if day - date.min > self._days else day + self._days

    # ── values ──

    def arrival(self, host: Arrival) -> Arrival:
        """Return the arrival with stand-ins."""
        payment = host.payment
        if payment:
            payment = evolve(
                payment,
                account=self._secret(payment.account, self.account),
                invoice=self._secret(payment.invoice, self.invoice),
                email=self._secret(payment.email, self.email),
            )
        return evolve(
            host,
            ani=secret.phone(self._caller(host.ani.reveal())) if host.ani else None,
            account=self._secret(host.account, self.account),
            invoice=self._secret(host.invoice, self.invoice),
            payment=payment,
        )

    def _caller(self, ani: str) -> str:
        """Return a stand-in for the caller's number, in whatever form the runtime writes it."""
        return self.phone(self._national(ani) or ani if "+" not in ani else ani)

    def customer(self, who: Customer) -> Customer:
        """Return a customer with stand-ins and without the name."""
        bills = tuple(
            evolve(
                bill,
                number=secret.invoice(self.invoice(bill.number.reveal())),
                amount=None if bill.amount is None else self.amount(bill.amount),
                due=None if bill.due is None else self.day(bill.due),
            )
            for bill in who.invoices
        )
        return evolve(
            who,
            account=secret.account(self.account(who.account.reveal())),
            email=self._secret(who.email, self.email),
            phone=self._secret(who.phone, self.phone),
            name=None,
            invoices=bills,
        )

    def digits(self, call: Call, event: Digits, whole: str) -> Digits:
        """Return keyed digits with stand-ins."""
        return evolve(event, keys=secret.keys(self.keys(call, event.keys.reveal(), whole)))

    @staticmethod
    def _secret(value: Secret | None, other: Callable[[str], str]) -> Secret | None:
        return Secret(other(value.reveal()), value.kind) if value else value

    # ── drawing ──

    def _other(
        self,
        space: str,
        text: str,
        fits: Fits = lambda _: True,
        draw: Callable[[str], str] | None = None,
    ) -> str:
        """Return the stand-in for a text, which is unique among stand-ins of its kind."""
        if (space, text) in self._chosen:
            return self._chosen[space, text]
        taken = {other for (kind, _), other in self._chosen.items() if kind == space}
        for _ in range(TRIES):
            other = (draw or self._shaped)(self._shaped(text))
            if other not in taken and fits(other) and not self._tells(other):
                self._chosen[space, text] = other
                return other
        message = f"no unused stand-in of {len(text)} characters ({space})"
        raise LookupError(message)

    def _tells(self, other: str) -> bool:
        """Return whether a candidate is or contains a real value. Short candidates never count."""
        if len(other) < 4:
            return False
        return other in self.real or any(len(r) >= LONG and r in other for r in self.real)

    def _shaped(self, text: str) -> str:
        """Return a text of the same shape, without symbols that have a meaning in transcripts."""
        return "".join(map(self._alike, text))

    def _alike(self, character: str) -> str:
        pool = _pool(character)
        if len(pool) > 1:
            return self.chance.choice(pool)
        return character if character in "+-.@" else "-"


def _pool(character: str, classes: Iterable[str] = _CLASSES) -> str:
    """Return the characters that can replace a character. Other symbols only replace themselves."""
    if not character.isascii() and character.isprintable():
        return _ACCENTED
    return next((pool for pool in classes if character in pool), character)


def _refilled(number: str, bare: str, other: str) -> str:
    """Return a number with new significant characters and the same leading zeros and symbols."""
    left = iter(zip(bare, other, strict=True))
    expected = next(left, None)
    written = []
    for character in number.upper():
        if expected is not None and character == expected[0]:
            written.append(expected[1])
            expected = next(left, None)
        else:
            written.append(character)
    return "".join(written)


def _end(text: str, ending: str) -> str:
    """Return a text with its last digits replaced."""
    last = iter(reversed(ending))
    mended = [next(last, c) if c in digits else c for c in reversed(text)]
    return "".join(reversed(mended))


def personal(values: Iterable[Secret]) -> frozenset[str]:
    """Return the texts that could identify someone.

    They include numbers without symbols, and the last digits of those numbers. Texts that consist
    only of zeros, or have fewer than four characters, identify no one and are left out.
    """

    def texts() -> Iterator[str]:
        for value in values:
            text = value.reveal()
            yield text
            yield text.rpartition("@")[0]
            numerals = re.sub(r"[^0-9]", "", text)
            yield from (numerals, numerals[-10:], numerals[-4:])

    return frozenset(text for text in texts() if len(text) >= 4 and text.strip("0"))
