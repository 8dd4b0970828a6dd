"""An e-mail address by keypad: one press per character, then a read-back to catch mistakes.

The decoder guesses what the keys mean, mainly from the customer's name. The caller hears the guess
and stops it at the first wrong piece. A wrong word is then read character by character, and a wrong
character is ruled out. Exact spelling, with two keys per character, works for any address, and
continues after the correct part.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve

from paperless_ivr.flow import examples
from paperless_ivr.flow.blocks import AGENT, NUMBER_KEYS, SILENCE, Ask, By, Chapter, Press
from paperless_ivr.flow.call import Call, Entry, Source
from paperless_ivr.flow.events import Digits, Ended
from paperless_ivr.flow.facts import (
    Anything,
    all_of,
    pound,
    pressed,
    repeats_left,
    so_far,
    spelled_so_far,
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
from paperless_ivr.flow.slots import Slot, Spelled, Word, Words
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import READ_OUT, Gather, Prompt
from paperless_ivr.flow.updates import count_wrong, count_wrong_key, hear_again, leave_keypad, spend
from paperless_ivr.flow.view import CallView, Transition
from paperless_ivr.keypad import Guess, Said, on_keys
from paperless_ivr.secret import Secret, email, keys

CERTAIN = 0.2
"""The certainty below which a guess is read character by character."""

MOST_PRESSED = 64
"""The maximum number of keys for a local part or a domain. Longer ones must be spelled exactly."""

CLEAR = "**"
"""The keys that clear everything pressed so far."""

Span = tuple[int, int]
"""Part of an address: the index of its first character, and the index after its last."""


# ── one press per character ──────────────────────────────────────────────────────────────


def pressing(c: Transition[Digits]) -> str:
    """Return the keys of the current part of the address, without those that were cleared."""
    return _all_pressed(c).rpartition(CLEAR)[2]


def _all_pressed(c: Transition[Digits]) -> str:
    return so_far(c) + c.event.keys.reveal()


def _ended(c: Transition[Digits]) -> bool:
    """Whether the part is complete, because of `#` or because no more keys fit."""
    cleared = CLEAR in _all_pressed(c) and c.event.ended is Ended.FULL
    return c.event.ended is not Ended.TIMEOUT and not cleared


@Phrase("only stars: more time")
def only_stars(c: Transition[Digits]) -> bool:
    """Whether only stars are left: the caller wants more time, or has cleared everything."""
    return bool(c.event.keys) and not pressing(c).strip("*") and repeats_left(c)


@Phrase("pauses: goes on")
def pressing_goes_on(c: Transition[Digits]) -> bool:
    """Whether the caller paused partway through. The keys pressed so far are kept."""
    begun = bool(pressing(c).strip("*")) and len(pressing(c)) <= MOST_PRESSED and not _ended(c)
    return begun and (CLEAR not in _all_pressed(c) or repeats_left(c))


@Phrase("keys of an address")
def guessed_local(c: Transition[Digits]) -> bool:
    """Whether the keys are complete and can be a local part. A single 0 asks for an agent."""
    return _ended(c) and pressing(c) != "0" and local_guess(c) is not None


@Phrase("keys of a domain")
def guessed_domain(c: Transition[Digits]) -> bool:
    """Whether the keys are complete and can be a domain."""
    return _ended(c) and domain_guess(c) is not None


def local_guess(c: Transition[Digits]) -> Guess | None:
    """Return what the keys of the local part most likely mean."""
    return c.known("local guess", lambda _: _guess(c, pressing(c), ""))


def domain_guess(c: Transition[Digits]) -> Guess | None:
    """Return what all the keys most likely mean, keeping the part that the caller has heard."""
    before, at_sign, _ = c.call.entry.address[: c.call.entry.at].partition("@")
    confirmed = before + at_sign if at_sign else ""
    return c.known("domain guess", lambda _: _guess(c, _with_domain(c), confirmed))


def _with_domain(c: Transition[Digits]) -> str:
    return f"{_keys_of_local(c.call.entry)}#9{pressing(c)}#"


def _keys_of_local(entry: Entry) -> str:
    return entry.pressed.reveal().partition("#")[0] if entry.pressed else ""


def likely(view: CallView, pressed: str) -> str:
    """Return what the current part's keys most likely mean, or the keys if nothing fits."""
    keys = pressed.rpartition(CLEAR)[2]
    if view.call.state is S.EMAIL_LOCAL:
        guess = _guess(view, keys, "")
        return guess.address if guess else keys
    guess = _guess(view, f"{_keys_of_local(view.call.entry)}#9{keys}#", "")
    return guess.address.partition("@")[2] if guess else keys


def _guess(
    c: CallView, pressed: str, confirmed: str, ruled_out: tuple[str, ...] = ()
) -> Guess | None:
    """Return the best guess, or None if there is none or it is not a valid address.

    The guess has a domain only if one was keyed.
    """
    customer = c.customer
    name = customer.name.reveal() if customer and customer.name else ""
    on_file = customer.email.reveal() if customer and customer.email else ""
    decoder = c.terms.decoder
    guess = decoder.refine(pressed, confirmed, ruled_out=ruled_out, holder=name, on_file=on_file)
    if guess is None or "#" not in pressed:
        return guess
    local, _, domain = guess.address.partition("@")
    return guess if c.terms.pad.address(local, domain) is not None else None


def keep_pressed(c: Transition[Digits]) -> Call:
    """Keep the keys while the caller looks for the next one."""
    entry = evolve(c.call.entry, so_far=Secret(pressing(c)))
    repeats = c.call.tries.repeats + (CLEAR in _all_pressed(c))
    return evolve(c.call, entry=entry, tries=evolve(c.call.tries, repeats=repeats))


def take_local_guess(c: Transition[Digits]) -> Call:
    """Keep the keys of the local part, and what they most likely mean."""
    guess = local_guess(c)
    assert guess is not None
    entry = Entry(pressed=Secret(pressing(c)), local=Secret(guess.address), words=_said(guess))
    return evolve(c.call, entry=entry)


def take_domain_guess(c: Transition[Digits]) -> Call:
    """Keep the keys of the domain, and what the keys of the whole address most likely mean."""
    guess, entry = domain_guess(c), c.call.entry
    assert guess is not None
    entry = evolve(entry, pressed=Secret(_with_domain(c)))
    return evolve(c.call, entry=_guessed(c, entry, guess))


def _guessed(c: Anything, entry: Entry, guess: Guess) -> Entry:
    """Return the entry with another guess, to be read back starting at `entry.at`."""
    before = tuple(span for span in entry.words if span[1] <= entry.at)
    after = tuple(s for s in _said(guess) if s[0] >= entry.at + bool(entry.ruled_out))
    local, at_sign, domain = guess.address.partition("@")
    entry = evolve(entry, local=Secret(local), words=(*before, *after))
    if at_sign:
        return evolve(entry, domain=Secret(domain))
    return _with_one_key(c, entry, entry.domain)


def _said(guess: Guess) -> tuple[Span, ...]:
    """Return the parts of a guess that are read as words."""
    spans, end = list[Span](), 0
    for piece in guess.pieces:
        begin, end = end, end + len(piece.text)
        certain = guess.certainty >= CERTAIN or piece.said is Said.DOMAIN
        if piece.said is not Said.CHARACTER and certain:
            spans.append((begin, end))
    return tuple(spans)


def _with_one_key(c: Anything, entry: Entry, domain: Secret | None) -> Entry:
    """Return the entry with a domain, which is read as a word if it has its own key."""
    entry = evolve(entry, domain=domain)
    at = entry.address.rindex("@") + 1
    words = tuple(span for span in entry.words if span[0] < at)
    one_key = domain is not None and domain.reveal() in c.policy.address.domains
    return evolve(entry, words=(*words, (at, len(entry.address))) if one_key else words)


# ── the read-back, and where it was stopped ─────────────────────────────────────────


def pieces(entry: Entry) -> Iterator[Span]:
    """Yield the pieces to read back, in order. The at sign is said with the piece after it."""
    address, ends, at = entry.address, dict(entry.words), entry.at
    while at < len(address):
        end = ends.get(at, at + 1)
        if address[at] != "@":
            yield at, end
        at = end


def stopped_at(c: Transition[Digits]) -> Span | None:
    """Return the wrong piece: the one that `*` interrupted or, after 8, the one before it.

    Return None if the caller heard the whole address.
    """
    entry = c.call.entry
    option = pressed(c)
    if option is not None and option.value:
        end = len(entry.address[: entry.at].removesuffix("@"))
        return next((span for span in entry.words if span[1] == end), (end - 1, end))
    heard = c.event.interrupted
    if heard is None:
        return None
    first = next(n for n, prompt in enumerate(c.said) if prompt.name in READ_OUT)
    return dict(enumerate(pieces(entry))).get(max(heard - first, 0))


@Phrase("no corrections left")
def fixes_used_up(c: Transition[Digits]) -> bool:
    """Whether the caller wants to correct the address again, but no corrections are left."""
    option = pressed(c)
    corrects = option is not None and option.choice in (Choice.STOP, Choice.AGAIN)
    return corrects and c.call.spent.fixes >= 2 * c.policy.address.fixes


@Phrase("after hearing it all")
def after_all(c: Transition[Digits]) -> bool:
    """Whether the caller pressed star after hearing the whole address."""
    return stopped_at(c) is None


@Phrase("at a provider")
def at_one_key(c: Transition[Digits]) -> bool:
    """Whether the domain is wrong, and is one of the domains with their own keys."""
    span, entry = stopped_at(c), c.call.entry
    domain = entry.domain.reveal() if entry.domain else ""
    return span in entry.words and _is_domain(entry, span) and domain in c.policy.address.domains


@Phrase("at a word")
def at_word(c: Transition[Digits]) -> bool:
    """Whether a word is wrong."""
    return stopped_at(c) in c.call.entry.words


@Phrase("another guess is left")
def another_guess(c: Transition[Digits]) -> bool:
    """Whether a guess can still be corrected, and the keys can mean another address."""
    return c.call.spent.fixes < c.policy.address.fixes and next_guess(c) is not None


@Phrase("after the @")
def in_domain(c: Transition[Digits]) -> bool:
    """Whether the mistake is in the domain."""
    return _is_domain(c.call.entry, stopped_at(c))


def _is_domain(entry: Entry, span: Span | None) -> bool:
    return span is not None and span[0] > len(entry.local or "")


def next_guess(c: Transition[Digits]) -> Guess | None:
    """Return the best guess that keeps the part already accepted, and avoids what was ruled out."""
    entry = _stopped(c)
    if entry.pressed is None:
        return None
    keys, confirmed = entry.pressed.reveal(), entry.address[: entry.at]
    ruled_out = tuple(character.reveal() for character in entry.ruled_out)
    return c.known("next guess", lambda _: _guess(c, keys, confirmed, ruled_out))


def _stopped(c: Transition[Digits]) -> Entry:
    """Return the entry positioned at the wrong piece, with that piece ruled out."""
    entry, span = c.call.entry, stopped_at(c)
    assert span is not None
    before = entry.ruled_out if span[0] == entry.at else ()
    wrong = Secret(entry.address[slice(*span)])
    return evolve(entry, at=span[0], ruled_out=(*before, wrong))


def spell_all(c: Transition[Digits]) -> Call:
    """Read the address again character by character, except for a domain that has a key."""
    entry = evolve(c.call.entry, at=0, ruled_out=(), words=())
    return spend(evolve(c.call, entry=_with_one_key(c, entry, entry.domain)), fixes=1)


def choose_domain_again(c: Transition[Digits]) -> Call:
    """Keep the local part, which the caller accepted, and choose the domain again."""
    entry = _stopped(c)
    return spend(evolve(c.call, entry=evolve(entry, ruled_out=())), fixes=1)


def spell_word(c: Transition[Digits]) -> Call:
    """Keep the part before the word, and read the word character by character."""
    entry, span = _stopped(c), stopped_at(c)
    words = tuple(other for other in entry.words if other != span)
    return spend(evolve(c.call, entry=evolve(entry, ruled_out=(), words=words)), fixes=1)


def guess_again(c: Transition[Digits]) -> Call:
    """Take the next guess, and read it starting at the wrong character."""
    guess = next_guess(c)
    assert guess is not None
    return spend(evolve(c.call, entry=_guessed(c, _stopped(c), guess)), fixes=1)


def spell_on(c: Transition[Digits]) -> Call:
    """Ask for exact spelling of the rest, starting at the wrong character."""
    entry = evolve(_stopped(c), pressed=None, ruled_out=())
    return spend(evolve(c.call, entry=entry), fixes=1)


def spell_domain(c: Anything) -> Call:
    """Ask for exact spelling of the domain, and drop the keys that were pressed for it."""
    return evolve(c.call, entry=evolve(c.call.entry, pressed=None, so_far=None))


def spell_anew(c: Anything) -> Call:
    """Ask for exact spelling of the whole address."""
    return spend(evolve(c.call, entry=Entry()), fixes=1)


def read_from_the_start(c: Anything) -> Call:
    """Read the address again from its first character."""
    entry = evolve(c.call.entry, at=0, ruled_out=())
    return hear_again(evolve(c, call=evolve(c.call, entry=entry)))


# ── two keys per character ─────────────────────────────────────────────────────────────────


def spelling(c: Transition[Digits]) -> str:
    """Return all keys of the part that is being spelled exactly."""
    return spelled_so_far(c) + c.event.keys.reveal()


@Phrase("a valid part")
def spelled_local(c: Transition[Digits]) -> bool:
    """Whether the caller spelled a valid local part, and then pressed `#`."""
    spelled = c.terms.pad.spell(spelling(c))
    whole = not spelled.rest and not spelled.bad and c.event.ended is Ended.END_KEY
    return whole and c.terms.pad.is_local(spelled.text)


@Phrase("a valid part")
def spelled_domain(c: Transition[Digits]) -> bool:
    """Whether the caller spelled a valid domain, and then pressed `#`."""
    spelled = c.terms.pad.spell(spelling(c))
    local = c.call.entry.local
    if spelled.rest or spelled.bad or c.event.ended is not Ended.END_KEY or local is None:
        return False
    return c.terms.pad.address(local.reveal(), spelled.text) is not None


@Phrase("unclear: keeps the clear part")
def spelling_begun(c: Transition[Digits]) -> bool:
    """Whether the caller has spelled something, now or before."""
    return bool(c.terms.pad.spell(spelling(c)).text or c.call.entry.before)


@Phrase("pauses: keeps it, goes on")
def spelling_goes_on(c: Transition[Digits]) -> bool:
    """Whether the caller paused partway through spelling. What was spelled so far is kept."""
    if c.event.ended is not Ended.TIMEOUT or c.call.spent.pauses >= c.policy.address.pauses:
        return False
    return spelling_begun(c) and not c.terms.pad.spell(spelling(c)).bad


@Phrase("pauses mid-letter: goes on")
def code_goes_on(c: Transition[Digits]) -> bool:
    """Whether the caller paused halfway through a character's code. The first half is kept."""
    half = c.event.ended is Ended.TIMEOUT and c.call.spent.pauses < c.policy.address.pauses
    spelled = c.terms.pad.spell(spelling(c))
    return half and bool(spelled.rest) and not spelled.bad


@Phrase("too long: starts over")
def too_long(c: Transition[Digits]) -> bool:
    """Whether the entry has no room for more keys."""
    return len(spelling(c)) >= room(c)


@Phrase("nothing left: more time")
def nothing_left(c: Transition[Digits]) -> bool:
    """Whether stars deleted everything, or there was nothing to delete. The caller gets time."""
    spelled = c.terms.pad.spell(spelling(c))
    left = spelled.text or spelled.rest or spelled.bad
    return spelling(c).endswith("*") and not left and repeats_left(c)


@Phrase("a domain is known", "not yet")
def domain_known(view: CallView) -> bool:
    """Whether the domain was chosen or spelled before."""
    return bool(view.call.entry.domain)


def keep_spelling(c: Transition[Digits]) -> Call:
    """Keep what was spelled while the caller looks for the next key."""
    spelled = c.terms.pad.spell(spelling(c))
    return spend(_kept(c, spelled.text, spelled.rest), pauses=1)


def keep_what_is_clear(c: Transition[Digits]) -> Call:
    """Keep the part that is clear, and count the rest as a wrong key."""
    counted = evolve(c, call=count_wrong(c))
    return _kept(counted, c.terms.pad.spell(spelling(c)).text)


def begin_again(c: Anything) -> Call:
    """Drop what was spelled, and repeat the question with a longer wait."""
    return hear_again(evolve(c, call=_kept(c, "")))


def clear_spelling(c: Anything) -> Call:
    """Drop what was spelled, because it is too long, and count it as a wrong key."""
    return _kept(evolve(c, call=count_wrong(c)), "")


def _kept(c: Anything, text: str, rest: str = "") -> Call:
    """Return the call with the text spelled so far, and with half of a code if there is one."""
    spelled = c.terms.pad.code(text) + rest
    so_far = Secret(spelled) if spelled else None
    return evolve(c.call, entry=evolve(c.call.entry, so_far=so_far, at=0))


def take_local(c: Transition[Digits]) -> Call:
    """Accept the spelled local part."""
    local = Secret(c.terms.pad.spell(spelling(c)).text)
    entry = evolve(c.call.entry, local=local, at=0)
    return evolve(c.call, entry=_with_one_key(c, entry, entry.domain))


def take_domain(c: Transition[Digits]) -> Call:
    """Accept the domain of the pressed key."""
    option, entry = pressed(c), c.call.entry
    chosen = Secret(str(option.value) if option else "")
    if entry.pressed:  # drop the keys of a domain that was spelled earlier
        entry = evolve(entry, pressed=Secret(_keys_of_local(entry)))
    return evolve(c.call, entry=_with_one_key(c, entry, chosen))


def take_spelled_domain(c: Transition[Digits]) -> Call:
    """Accept the spelled domain."""
    spelled = Secret(c.terms.pad.spell(spelling(c)).text)
    entry = evolve(c.call.entry, at=0)
    return evolve(c.call, entry=_with_one_key(c, entry, spelled))


def take_keyed_address(c: Anything) -> Call:
    """Accept the keyed address, which the caller has heard and confirmed."""
    entry, pad = c.call.entry, c.terms.pad
    whole = pad.address(
        entry.local.reveal() if entry.local else "", entry.domain.reveal() if entry.domain else ""
    )
    contact = evolve(c.call.contact, source=Source.KEYED, email=email(whole or ""))
    return evolve(c.call, contact=contact)


def room(view: CallView) -> int:
    """Return the maximum number of keys in a part. If it is reached, the part starts over."""
    return KEYS_PER_CHARACTER * view.terms.pad.max_local


KEYS_PER_CHARACTER = 4
"""Two keys per character in the exact code, and two more for corrections."""


# ── words and keys ───────────────────────────────────────────────────────────────────────


@says(
    readback="the address is read from the start",
    readback_rest="a part was spelled again",
    readback_instead="another guess was asked for",
    readback_piece="each part, up to the @",
    readback_at="the first part after the @",
    readback_domain="a known domain",
)
def read_back(view: CallView) -> Iterable[Prompt]:
    """Say the address piece by piece, starting at the last correction."""
    entry = view.call.entry
    begins = "readback_instead" if entry.ruled_out else "readback_rest" if entry.at else "readback"
    yield prompt(view, begins, must_hear=True)
    address, domain = entry.address, len(entry.local or "") + 1
    for span in pieces(entry):
        text = Secret(address[slice(*span)])
        word = span in entry.words
        slot: Slot = Word(text) if word else Spelled(text)
        if span[0] != domain:
            yield Prompt("readback_piece", (("piece", slot),), must_hear=True)
        elif word and span[1] == len(address):
            listed = text.reveal() in view.policy.address.domains
            whole = Words(text.reveal()) if listed else slot
            yield Prompt("readback_domain", (("domain", whole),), must_hear=True)
        else:
            yield Prompt("readback_at", (("piece", slot),), must_hear=True)


def spell(name: str) -> Line:
    """Return a line that repeats what was kept, and asks for a spelling or, after a pause, more."""
    go_on, kept = "email_go_on", "spelling_so_far"

    @says(**{kept: "something is kept", go_on: "the entry goes on", name: "the entry begins"})
    def line(view: CallView) -> Iterable[Prompt]:
        if view.call.entry.before:
            yield prompt(view, kept)
        yield prompt(view, go_on if view.call.entry.so_far else name)

    return line


@offers("option_back", means={Choice.STOP: Means("*, 8", "stops it")})
def stops(view: CallView) -> tuple[Option, ...]:
    """Offer star to stop at a mistake, and 8 to go back one piece if star came too late.

    An address that was spelled exactly does not need 8, because star leads back to exact spelling,
    where star deletes characters.
    """
    star, entry = Option("*", Choice.STOP, ""), view.call.entry
    late = entry.pressed is not None and entry.at > 0
    return (star, Option("8", Choice.STOP, "option_back", value=1)) if late else (star,)


@offers(
    "option_domain",
    "option_other_domain",
    means={Choice.DOMAIN: Means("1–8", "a listed provider"), Choice.OTHER: Means("9", "any other")},
)
def domains(view: CallView) -> tuple[Option, ...]:
    """Offer the listed domains, and a key for any other domain."""
    listed = tuple(
        Option(str(n), Choice.DOMAIN, "option_domain", domain, (("domain", Words(domain)),))
        for n, domain in enumerate(view.policy.address.domains, 1)
    )
    return (*listed, Option("9", Choice.OTHER, "option_other_domain"))


@Phrase()
def by_guess(view: CallView) -> bool:
    """Whether the address is keyed with one press per character."""
    return view.call.entry.pressed is not None


ANOTHER_WAY = On(
    Digits,
    S.ADDRESS,
    when=pound,
    keep=leave_keypad,
    say="keypad_left",
    words="alone: another way",
)
"""The transition for `#` without other keys: the caller wants another way to give an address."""


def _gather(view: CallView, most: int) -> Gather:
    """Return the gather for a part of an address. `most` also counts the keys before a pause."""
    waits, entry = view.policy.waits, view.call.entry
    begun = len(entry.so_far or "")
    return Gather(
        keys=NUMBER_KEYS,
        max_keys=max(most - begun, 1),
        first_key_wait=waits.more_time if entry.more_time else waits.entry_first_key,
        next_key_wait=waits.email_next_key,
        private=True,
        begun=begun > 0,
    )


def _one_press(last_wrong: Row) -> By:
    """Return a way to gather a part with one press per character, where `*` is a symbol."""

    def ways(_: Ask) -> Sequence[Row]:
        return (
            On(Digits, REPROMPT, when=only_stars, keep=hear_again, say="take_your_time"),
            On(Digits, REPROMPT, when=pressing_goes_on, keep=keep_pressed),
            ANOTHER_WAY,
            *AGENT,
            last_wrong,
            On(Digits, REPROMPT, keep=count_wrong, say="keys_unclear", words="anything else"),
            *SILENCE,
        )

    return By(lambda view, _: _gather(view, MOST_PRESSED), ways, star_restarts=False)


ONE_PRESS = _one_press(On(Digits, S.GIVEN_UP, when=wrong_used_up))
"""The gather for a local part. Almost any sequence of keys can be a local part."""

ONE_PRESS_DOMAIN = _one_press(
    On(
        Digits,
        S.EMAIL_EXACT_DOMAIN,
        when=wrong_used_up,
        keep=spell_domain,
        say="keys_unclear",
    )
)
"""The gather for a domain. After too many wrong keys, the domain is spelled exactly."""


def _spelling(_: Ask) -> Sequence[Row]:
    return (
        On(Digits, REPROMPT, when=nothing_left, keep=begin_again, say="take_your_time"),
        On(Digits, REPROMPT, when=spelling_goes_on, keep=keep_spelling, say="spelling_so_far"),
        On(Digits, REPROMPT, when=code_goes_on, keep=keep_spelling),
        ANOTHER_WAY,
        *AGENT,
        On(Digits, S.GIVEN_UP, when=wrong_used_up),
        On(Digits, REPROMPT, when=too_long, keep=clear_spelling, say="spelling_too_long"),
        On(Digits, REPROMPT, when=spelling_begun, keep=keep_what_is_clear, say="spelling_unclear"),
        On(Digits, REPROMPT, keep=count_wrong_key),
        *SILENCE,
    )


SPELLING = By(lambda view, _: _gather(view, room(view)), _spelling, star_restarts=False)
"""The gather for a part in the two-key code. A star deletes, and what was spelled is kept."""


def _presses(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield examples with one press per character: complete, paused, cleared, and only a star."""
    local = on_keys(known.local)
    return _pressed(view, local, local * 2)


def _pressed_domains(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield the same examples for a domain, and keys that fit no domain."""
    domain = on_keys(known.domain)
    return _pressed(view, domain, domain[:1])


def _pressed(view: CallView, *texts: str) -> Iterator[Digits]:
    begun = so_far(view)
    yield from examples.whole(*(text.removeprefix(begun) for text in texts))
    first = texts[0][:1]
    for kept in ("**", f"**{first}") if begun else ("*", first):
        yield Digits(keys(kept), Ended.TIMEOUT)


def _spellings(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield examples in the two-key code: complete, meaningless, paused, deleted, and too long."""
    code = view.terms.pad.code(known.local)
    half = code[:1]
    yield from examples.whole(code, half, "25")
    for pressed_keys in ("*", half, f"{half}*", code, code + half, f"{code}{code}*"):
        yield Digits(keys(pressed_keys), Ended.TIMEOUT)
    yield _endless(view)


def _spelled_domains(view: CallView, known: examples.Known) -> Iterator[Digits]:
    """Yield examples in the two-key code: complete, too short, paused, and too long."""
    code = view.terms.pad.code(known.domain)
    yield from examples.whole(code, code[:2])
    for pressed_keys in ("*", code[:1]):
        yield Digits(keys(pressed_keys), Ended.TIMEOUT)
    yield _endless(view)


def _endless(view: CallView) -> Digits:
    """Return as many keys as the gather takes."""
    return Digits(keys("21" * (room(view) // 2)))


PROMPTS: Prompts = {
    "keypad_left": (),
    "keys_unclear": (),
    "spelling_so_far": ("spelt",),
    "spelling_unclear": ("spelt",),
    "spelling_too_long": (),
    "email_local": (),
    "email_local_help": (),
    "email_domain": (),
    "option_domain": ("domain", "key"),
    "option_other_domain": ("key",),
    "email_domain_entry": (),
    "email_domain_entry_help": (),
    "readback": (),
    "readback_rest": (),
    "readback_instead": ("wrong",),
    "readback_help": (),
    "readback_piece": ("piece",),
    "readback_at": ("piece",),
    "readback_domain": ("domain",),
    "option_address_right": ("key",),
    "option_back": ("key",),
    "option_spell_exactly": ("key",),
    "email_exact": (),
    "email_exact_help": (),
    "email_exact_domain": (),
    "email_go_on": (),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.EMAIL_LOCAL: Ask(
        "One press for each letter; pound ends it.",
        title="Key the part before the @",
        needs=lambda policy: Strategy.KEYPAD in policy.address.strategies,
        say=[begun("email_local")],
        help="email_local_help",
        by=ONE_PRESS,
        examples=_presses,
        ways=[On(Digits, S.EMAIL_DOMAIN, when=guessed_local, keep=take_local_guess)],
    ),
    S.EMAIL_DOMAIN: Ask(
        "Each well-known provider has its own key.",
        title="Choose what follows the @",
        say=[say("email_domain"), options],
        keys=[domains],
        ways=[
            Press(Choice.DOMAIN, S.EMAIL_READBACK, keep=take_domain),
            Press(Choice.OTHER, S.EMAIL_DOMAIN_ENTRY, when=by_guess, words="any other"),
            Press(Choice.OTHER, S.EMAIL_EXACT_DOMAIN, words="any other, spelled exactly"),
        ],
    ),
    S.EMAIL_DOMAIN_ENTRY: Ask(
        "One press for each letter; pound ends it.",
        title="Key what follows the @",
        say=[begun("email_domain_entry")],
        help="email_domain_entry_help",
        by=ONE_PRESS_DOMAIN,
        examples=_pressed_domains,
        ways=[On(Digits, S.EMAIL_READBACK, when=guessed_domain, keep=take_domain_guess)],
    ),
    S.EMAIL_READBACK: Ask(
        "The line reads the address word by word; star stops it.",
        title="Hear the address",
        say=[read_back, options],
        help="readback_help",
        hear=True,
        star_is_a_key=True,
        keys=[
            key("1", Choice.YES, "option_address_right", words="it is right"),
            stops,
            key("9", Choice.AGAIN, "option_spell_exactly", words="two keys per letter"),
        ],
        ways=[
            Press(Choice.YES, S.CONFIRMATION, keep=take_keyed_address),
            On(Digits, S.ADDRESS, when=fixes_used_up, keep=leave_keypad, say="keypad_left"),
            Press(Choice.STOP, REPROMPT, when=after_all, keep=spell_all),
            Press(Choice.STOP, S.EMAIL_DOMAIN, when=at_one_key, keep=choose_domain_again),
            Press(Choice.STOP, REPROMPT, when=at_word, keep=spell_word),
            Press(Choice.STOP, REPROMPT, when=another_guess, keep=guess_again),
            Press(Choice.STOP, S.EMAIL_EXACT_DOMAIN, when=in_domain, keep=spell_on),
            Press(Choice.STOP, S.EMAIL_EXACT, keep=spell_on),
            Press(Choice.AGAIN, S.EMAIL_EXACT, keep=spell_anew),
            On(Digits, REPROMPT, when=all_of(pound, repeats_left), keep=read_from_the_start, words="hears it from the start"),
        ],
    ),
    S.EMAIL_EXACT: Ask(
        "Two keys for each letter; pound ends it.",
        title="Spell up to the @ exactly",
        say=[spell("email_exact")],
        help="email_exact_help",
        by=SPELLING,
        examples=_spellings,
        ways=[
            On(Digits, S.EMAIL_READBACK, when=all_of(spelled_local, domain_known), keep=take_local),
            On(Digits, S.EMAIL_DOMAIN, when=spelled_local, keep=take_local),
        ],
    ),
    S.EMAIL_EXACT_DOMAIN: Ask(
        "Two keys for each letter; pound ends it.",
        title="Spell the part after @ exactly",
        say=[spell("email_exact_domain")],
        help="email_exact_help",
        by=SPELLING,
        examples=_spelled_domains,
        ways=[On(Digits, S.EMAIL_READBACK, when=spelled_domain, keep=take_spelled_domain)],
    ),
}
