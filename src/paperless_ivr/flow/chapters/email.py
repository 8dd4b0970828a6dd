"""E-mail by keypad: spelled with two keys a character, read back, and mended where it is wrong."""

from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve

from paperless_ivr.flow import examples
from paperless_ivr.flow.blocks import (
    AGENT,
    LEAVE,
    NUMBER_KEYS,
    SILENCE,
    Ask,
    By,
    Chapter,
    Press,
    entry,
)
from paperless_ivr.flow.call import Call, Entry, Source
from paperless_ivr.flow.events import Digits, Ended
from paperless_ivr.flow.facts import (
    Anything,
    all_of,
    pound,
    pressed,
    repeats_left,
    so_far,
    wrong_used_up,
)
from paperless_ivr.flow.lines import (
    Line,
    Means,
    Prompts,
    begun,
    key,
    offers,
    options,
    prompt,
    say,
    says,
)
from paperless_ivr.flow.options import Choice, Option
from paperless_ivr.flow.phrases import Phrase
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.rows import REPROMPT, On, Row
from paperless_ivr.flow.slots import Spelled, Words
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import READ_OUT, Gather, Prompt
from paperless_ivr.flow.updates import count_wrong, count_wrong_key, hear_again, leave_keypad, spend
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.secret import Secret, email, keys


def spelling(c: Transition[Digits]) -> str:
    """All keys of the part of an address that is being spelled."""
    return so_far(c) + c.event.keys.reveal()


@Phrase("a valid part")
def spelled_local(c: Transition[Digits]) -> bool:
    """`#` ends a part that can stand before the at-sign."""
    spelled = c.terms.pad.spell(spelling(c))
    whole = not spelled.rest and not spelled.bad and c.event.ended is Ended.END_KEY
    return whole and c.terms.pad.is_local(spelled.text)


@Phrase("a valid part")
def spelled_domain(c: Transition[Digits]) -> bool:
    """`#` ends a part that can stand after the at-sign."""
    spelled = c.terms.pad.spell(spelling(c))
    local = c.call.entry.local
    if spelled.rest or spelled.bad or c.event.ended is not Ended.END_KEY or local is None:
        return False
    return c.terms.pad.address(local.reveal(), spelled.text) is not None


@Phrase("unclear: keeps the clear part")
def spelling_begun(c: Transition[Digits]) -> bool:
    """Something is spelled so far."""
    return bool(c.terms.pad.spell(spelling(c)).text)


@Phrase("pauses: keeps it, goes on")
def spelling_goes_on(c: Transition[Digits]) -> bool:
    """Silence after keys: what was spelled is kept, and the caller goes on."""
    if c.event.ended is not Ended.TIMEOUT or c.call.spent.pauses >= c.policy.address.pauses:
        return False
    return spelling_begun(c) and not c.terms.pad.spell(spelling(c)).bad


@Phrase("pauses in a letter: goes on")
def code_goes_on(c: Transition[Digits]) -> bool:
    """Silence after half a code, before anything is spelled: it is kept."""
    half = c.event.ended is Ended.TIMEOUT and c.call.spent.pauses < c.policy.address.pauses
    spelled = c.terms.pad.spell(spelling(c))
    return half and bool(spelled.rest) and not spelled.bad


@Phrase("too long: starts over")
def too_long(c: Transition[Digits]) -> bool:
    """There is no room for more keys."""
    return len(spelling(c)) >= room(c)


@Phrase("no corrections left")
def fixes_used_up(c: Transition[Digits]) -> bool:
    """The read-back is stopped once more, and no correction is left."""
    used_up = c.call.spent.fixes >= c.policy.address.fixes
    return used_up and c.event.keys.reveal() in ("*", "9")


@Phrase("nothing to delete: more time")
def nothing_spelled(c: Transition[Digits]) -> bool:
    """Only stars, which had nothing to delete: the caller wants more time."""
    return set(spelling(c)) == {"*"} and repeats_left(c)


@Phrase("a character that fits")
def spelled_character(c: Transition[Digits]) -> bool:
    """One character, and the address stays one with it."""
    spelled = c.terms.pad.spell(spelling(c))
    if len(spelled.text) != 1 or spelled.rest or spelled.bad:
        return False
    entry = c.call.entry
    local = entry.local.reveal() if entry.local else ""
    skip = 0 if entry.insert else 1
    return c.terms.pad.is_local(local[: entry.at] + spelled.text + local[entry.at + skip :])


@Phrase("after the @", "at a character")
def at_domain(c: Transition[Digits]) -> bool:
    """The star came at the domain, or after the whole address."""
    local = c.call.entry.local
    return stopped_at(c) >= len(local.reveal() if local else "")


def keep_spelling(c: Transition[Digits]) -> Call:
    """Keys of an address, kept while the caller looks for the next one."""
    pad = c.terms.pad
    spelled = pad.spell(spelling(c))
    so_far = Secret(pad.code(spelled.text) + spelled.rest)
    return spend(evolve(c.call, entry=evolve(c.call.entry, so_far=so_far)), pauses=1)


def keep_half_a_code(c: Transition[Digits]) -> Call:
    """Half a code, kept while the caller looks for its other key."""
    entry = evolve(c.call.entry, so_far=Secret(spelling(c)))
    return spend(evolve(c.call, entry=entry), pauses=1)


def keep_what_is_clear(c: Transition[Digits]) -> Call:
    """What could be read is kept; the rest is dropped, and counted as a wrong key."""
    text = c.terms.pad.spell(spelling(c)).text
    entry = evolve(c.call.entry, so_far=Secret(c.terms.pad.code(text)))
    return evolve(count_wrong(c), entry=entry)


def clear_spelling(c: Anything) -> Call:
    """What was spelled is dropped: too long."""
    return evolve(count_wrong(c), entry=evolve(c.call.entry, so_far=None))


def take_local(c: Transition[Digits]) -> Call:
    """The part before the at-sign."""
    spelled = Secret(c.terms.pad.spell(spelling(c)).text)
    return evolve(c.call, entry=Entry(local=spelled, domain=c.call.entry.domain))


def take_domain(c: Transition[Digits]) -> Call:
    """The part after the at-sign, by one key."""
    option = pressed(c)
    chosen = Secret(str(option.value) if option else "")
    return evolve(c.call, entry=Entry(local=c.call.entry.local, domain=chosen))


def take_spelled_domain(c: Transition[Digits]) -> Call:
    """The part after the at-sign, spelled."""
    spelled = Secret(c.terms.pad.spell(spelling(c)).text)
    return evolve(c.call, entry=Entry(local=c.call.entry.local, domain=spelled))


def stop_readback(c: Transition[Digits]) -> Call:
    """The caller stopped the read-back at a character, or at the domain."""
    entry = evolve(c.call.entry, at=stopped_at(c), so_far=None)
    return spend(evolve(c.call, entry=entry), fixes=1)


def read_from_the_start(c: Anything) -> Call:
    """The address is heard again from its first character."""
    return evolve(hear_again(c), entry=evolve(c.call.entry, at=0))


def spell_again(c: Anything) -> Call:
    """The address is spelled anew."""
    return spend(evolve(c.call, entry=Entry()), fixes=1)


def step_back(c: Anything) -> Call:
    """One character back."""
    return evolve(c.call, entry=evolve(c.call.entry, at=c.call.entry.at - 1))


def change(c: Anything) -> Call:
    """The character is to be another one."""
    return evolve(c.call, entry=evolve(c.call.entry, insert=False))


def insert(c: Anything) -> Call:
    """A character is missing before this one."""
    return evolve(c.call, entry=evolve(c.call.entry, insert=True))


def remove(c: Anything) -> Call:
    """One character too many."""
    return _mended(c, "", 1)


def put_character(c: Transition[Digits]) -> Call:
    """The character that was spelled, put in or put in its place."""
    spelled = c.terms.pad.spell(spelling(c)).text
    return _mended(c, spelled, 0 if c.call.entry.insert else 1)


def _mended(c: Anything, text: str, skip: int) -> Call:
    entry = c.call.entry
    before = entry.local.reveal() if entry.local else ""
    after = before[: entry.at] + text + before[entry.at + skip :]
    return evolve(c.call, entry=evolve(entry, local=Secret(after), insert=False))


def take_keyed_address(c: Anything) -> Call:
    """The address that was keyed, heard and found right."""
    entry, pad = c.call.entry, c.terms.pad
    whole = pad.address(
        entry.local.reveal() if entry.local else "", entry.domain.reveal() if entry.domain else ""
    )
    contact = evolve(c.call.contact, source=Source.KEYED, email=email(whole or ""))
    return evolve(c.call, contact=contact)


def room(view: CallView) -> int:
    """How many keys a part of an address may take, deletions included; beyond it starts over."""
    return KEYS_PER_CHARACTER * view.terms.pad.max_local


KEYS_PER_CHARACTER = 4
"""Two keys a character, three for the rare ones; the rest is room for corrections."""


def stopped_at(c: Transition[Digits]) -> int:
    """The character of the local part that was being read back when the key came.

    The end of the local part where the domain was being read, or all had been heard.
    """
    entry, heard = c.call.entry, c.event.interrupted
    end = len(entry.local.reveal() if entry.local else "")
    if heard is None:
        return end
    first = next((n for n, p in enumerate(c.said) if p.name == READ_OUT), None)
    if first is None:
        return end
    return min(max(entry.at + heard - first, entry.at), end)


@says("readback", "readback_rest", READ_OUT, "readback_domain")
def read_back(view: CallView) -> Iterable[Prompt]:
    """The address piece by piece, from the character where it was last mended."""
    entry = view.call.entry
    yield prompt(view, "readback_rest" if entry.at else "readback", must_hear=True)
    local = entry.local.reveal() if entry.local else ""
    for character in local[entry.at :]:
        spelled = (("character", Spelled(Secret(character))),)
        yield Prompt(READ_OUT, spelled, must_hear=True)
    domain = entry.domain.reveal() if entry.domain else ""
    slot = Words(domain) if domain in view.policy.address.domains else Spelled(Secret(domain))
    yield Prompt("readback_domain", (("domain", slot),), must_hear=True)


def spell(name: str) -> Line:
    """How to spell, in full once; then only that the caller goes on."""
    go_on = "email_go_on"
    return says(name, go_on)(
        lambda view: (prompt(view, go_on if view.call.entry.so_far else name),)
    )


@offers(
    "option_domain",
    "option_other_domain",
    means={Choice.DOMAIN: Means("1–8", "a listed provider"), Choice.OTHER: Means("9", "any other")},
)
def domains(view: CallView) -> tuple[Option, ...]:
    """The listed parts after the at-sign, and another one."""
    listed = tuple(
        Option(str(n), Choice.DOMAIN, "option_domain", domain, (("domain", Words(domain)),))
        for n, domain in enumerate(view.policy.address.domains, 1)
    )
    return (*listed, Option("9", Choice.OTHER, "option_other_domain"))


@Phrase(needs=lambda policy: policy.address.fixes > 0)
def fixes_left(view: CallView) -> bool:
    """The address may be corrected once more."""
    return view.call.spent.fixes < view.policy.address.fixes


@Phrase()
def can_remove(view: CallView) -> bool:
    """The address stays one without this character."""
    entry = view.call.entry
    local = entry.local.reveal() if entry.local else ""
    return view.terms.pad.is_local(local[: entry.at] + local[entry.at + 1 :])


@Phrase()
def not_the_first(view: CallView) -> bool:
    """There is a character before this one."""
    return view.call.entry.at > 0


def _part(view: CallView, _: Ask) -> Gather:
    waits, entry = view.policy.waits, view.call.entry
    begun = len(entry.so_far or "")
    return Gather(
        keys=NUMBER_KEYS,
        max_keys=max(room(view) - begun, 1),
        first_key_wait=waits.more_time if entry.more_time else waits.entry_first_key,
        next_key_wait=waits.email_next_key,
        private=True,
        begun=begun > 0,
    )


def _spelling(_: Ask) -> Sequence[Row]:
    return (
        On(Digits, REPROMPT, when=nothing_spelled, keep=hear_again, say="take_your_time"),
        On(Digits, REPROMPT, when=spelling_goes_on, keep=keep_spelling, say="spelling_so_far"),
        On(Digits, REPROMPT, when=code_goes_on, keep=keep_half_a_code),
        LEAVE,
        *AGENT,
        On(Digits, S.GIVEN_UP, when=wrong_used_up),
        On(Digits, REPROMPT, when=too_long, keep=clear_spelling, say="spelling_too_long"),
        On(Digits, REPROMPT, when=spelling_begun, keep=keep_what_is_clear, say="spelling_unclear"),
        On(Digits, REPROMPT, keep=count_wrong_key),
        *SILENCE,
    )


SPELLING = By(_part, _spelling, star_restarts=False)
"""A part of an address in the two-key code: there `*` deletes, and what is spelled is kept."""


def _code(view: CallView, _: Ask) -> Gather:
    waits = view.policy.waits
    return Gather(
        keys=NUMBER_KEYS,
        max_keys=max(LONGEST_CODE - len(view.call.entry.so_far or ""), 1),
        first_key_wait=waits.entry_first_key,
        next_key_wait=waits.next_key,
        private=True,
    )


LONGEST_CODE = 3
"""Keys of the longest code of one character (`0*1`)."""

ONE_CHARACTER = By(_code, lambda _: entry("character_unclear"), star_restarts=False)
"""One character in the two-key code."""


def _spellings(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """By the two-key code: whole, half, meaningless, kept for later, deleted, without end."""
    code = view.terms.pad.code(known.local)
    half = code[:1]
    yield from examples.whole(code, half, "25")
    for pressed_keys in ("*", half, code, code + half, f"{code}{code}*"):
        yield Digits(keys(pressed_keys), Ended.TIMEOUT)
    yield _endless(view)


def _spelled_domains(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Whole, too short, kept for later, without end."""
    code = view.terms.pad.code(known.domain)
    yield from examples.whole(code, code[:2])
    for pressed_keys in ("*", code[:1]):
        yield Digits(keys(pressed_keys), Ended.TIMEOUT)
    yield _endless(view)


def _endless(view: CallView) -> Digits:
    """As many keys as are gathered."""
    return Digits(keys("21" * (room(view) // 2)))


def _characters(view: CallView, _: examples.Known) -> Iterator[Digits]:
    return examples.entry(view, "22", "2")


PROMPTS: Prompts = {
    "keypad_left": (),
    "spelling_so_far": ("spelt",),
    "spelling_unclear": ("spelt",),
    "spelling_too_long": (),
    "character_unclear": (),
    "email_local": (),
    "email_local_help": (),
    "email_go_on": (),
    "email_domain": (),
    "option_domain": ("domain", "key"),
    "option_other_domain": ("key",),
    "email_domain_entry": (),
    "email_domain_entry_help": (),
    "readback": (),
    "readback_rest": (),
    "readback_help": (),
    "readback_character": ("character",),
    "readback_domain": ("domain",),
    "option_address_right": ("key",),
    "option_spell_again": ("key",),
    "fix": ("character",),
    "option_change": ("key",),
    "option_insert": ("key",),
    "option_remove": ("key",),
    "option_back": ("key",),
    "one_character": (),
    "one_character_help": (),
}
"""What only this chapter says, with the gaps that the words may fill."""

# fmt: off
# Set by hand: a way out is one line.
CHAPTER: Chapter = {
    S.EMAIL_LOCAL: Ask(
        "Two keys for each letter; pound ends it.",
        title="Spell up to the @",
        needs=lambda policy: Strategy.KEYPAD in policy.address.strategies,
        say=[spell("email_local")],
        help="email_local_help",
        by=SPELLING,
        examples=_spellings,
        ways=[
            On(Digits, S.EMAIL_DOMAIN, when=spelled_local, keep=take_local),
            On(Digits, S.ADDRESS, when=pound, keep=leave_keypad, say="keypad_left", words="alone: another way"),
        ],
    ),
    S.EMAIL_DOMAIN: Ask(
        "One key for each well-known provider.",
        title="Choose what follows the @",
        say=[say("email_domain"), options],
        keys=[domains],
        ways=[
            Press(Choice.DOMAIN, S.EMAIL_READBACK, keep=take_domain),
            Press(Choice.OTHER, S.EMAIL_DOMAIN_ENTRY),
        ],
    ),
    S.EMAIL_DOMAIN_ENTRY: Ask(
        "Two keys for each letter; pound ends it.",
        title="Spell what follows the @",
        say=[spell("email_domain_entry")],
        help="email_domain_entry_help",
        by=SPELLING,
        examples=_spelled_domains,
        ways=[On(Digits, S.EMAIL_READBACK, when=spelled_domain, keep=take_spelled_domain)],
    ),
    S.EMAIL_READBACK: Ask(
        "Read out letter by letter; star stops it.",
        title="Hear the address",
        say=[read_back, options],
        help="readback_help",
        hear=True,
        star_is_a_key=True,
        keys=[
            key("1", Choice.YES, "option_address_right", words="it is right"),
            key("*", Choice.STOP, words="stops it", when=fixes_left),
            key("9", Choice.AGAIN, "option_spell_again", words="spell it again", when=fixes_left),
        ],
        ways=[
            Press(Choice.YES, S.CONFIRMATION, keep=take_keyed_address),
            Press(Choice.STOP, S.EMAIL_DOMAIN, when=at_domain, keep=stop_readback),
            Press(Choice.STOP, S.EMAIL_FIX, keep=stop_readback),
            Press(Choice.AGAIN, S.EMAIL_LOCAL, keep=spell_again),
            On(Digits, S.ADDRESS, when=fixes_used_up, keep=leave_keypad, say="keypad_left"),
            On(Digits, REPROMPT, when=all_of(pound, repeats_left), keep=read_from_the_start, words="hears it from the start"),
        ],
    ),
    S.EMAIL_FIX: Ask(
        "Changes, inserts, or removes a character.",
        title="Change what is wrong",
        say=[say("fix"), options],
        keys=[
            key("1", Choice.CHANGE, "option_change", words="change it"),
            key("2", Choice.INSERT, "option_insert", words="put one before it"),
            key("3", Choice.REMOVE, "option_remove", words="remove it", when=can_remove),
            key("8", Choice.BACK, "option_back", words="go back one", when=not_the_first),
        ],
        ways=[
            Press(Choice.CHANGE, S.EMAIL_CHARACTER, keep=change),
            Press(Choice.INSERT, S.EMAIL_CHARACTER, keep=insert),
            Press(Choice.REMOVE, S.EMAIL_READBACK, keep=remove),
            Press(Choice.BACK, REPROMPT, keep=step_back),
        ],
    ),
    S.EMAIL_CHARACTER: Ask(
        "Two keys, then pound.",
        title="Spell one character",
        say=[begun("one_character")],
        help="one_character_help",
        by=ONE_CHARACTER,
        examples=_characters,
        ways=[On(Digits, S.EMAIL_READBACK, when=spelled_character, keep=put_character)],
    ),
}
