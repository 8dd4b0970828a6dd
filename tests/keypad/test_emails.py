"""E-mail addresses by keypad: the two-key code, valid addresses, and the read-back."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paperless_ivr.keypad import EmailPad, Spelling, inserted, pieces, removed, replaced

pytestmark = pytest.mark.requirement("R08")

PAD = EmailPad()

# RFC 5322 section 3.2.3, without capitals, since the code has none.
ATEXT = string.ascii_lowercase + string.digits + "!#$%&'*+-/=?^_`{|}~"

KEYS = st.text("0123456789*")
TEXTS = st.text(ATEXT + ".", max_size=20)
CHARACTERS = st.sampled_from(ATEXT + ".")
CODES = CHARACTERS.map(PAD.code)
BAD_CODES = st.sampled_from(["26", "29", "34", "39", "45", "64", "75", "85", "95"])
ATOMS = st.text(ATEXT, min_size=1, max_size=12)
DOT_ATOMS = st.lists(ATOMS, min_size=1, max_size=4).map(".".join)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
DOMAINS = st.tuples(LABELS, LABELS, st.sampled_from(["com", "org", "co.uk", "test", "example"]))
DOMAINS_WRITTEN = DOMAINS.map(".".join)

PUBLISHED = {
    "a": "21",
    "c": "23",
    "s": "74",
    "z": "94",
    "7": "70",
    "0": "00",
    "1": "10",
    ".": "11",
    "-": "12",
    "_": "13",
    "+": "14",
    "'": "01",
    "/": "02",
    "=": "03",
    "&": "04",
    "!": "05",
    "%": "06",
    "$": "07",
    "#": "08",
    "?": "09",
    "*": "15",
    "^": "16",
    "`": "17",
    "{": "18",
    "|": "19",
    "}": "24",
    "~": "25",
}


class TestCode:
    """The two-key code."""

    @pytest.mark.parametrize(("character", "keys"), PUBLISHED.items())
    def test_published_codes(self, character: str, keys: str) -> None:
        """The codes that callers hear never change."""
        assert keys == PAD.code(character)

    @given(DOT_ATOMS)
    def test_round_trip(self, text: str) -> None:
        """Every dot-atom can be spelled, and is read back unchanged."""
        assert Spelling(text, "", bad=False) == PAD.spell(PAD.code(text))

    def test_one_code_each(self) -> None:
        """Every character of a dot-atom has a code, and no two codes are the same."""
        codes = [PAD.code(character) for character in ATEXT + "."]

        assert len(ATEXT) + 1 == len(set(codes))

    def test_no_code_begins_another(self) -> None:
        """No code is the beginning of another one, so keys can be read as they arrive."""
        codes = [PAD.code(character) for character in ATEXT + "."]

        assert not [(a, b) for a in codes for b in codes if a != b and b.startswith(a)]

    def test_every_short_code_is_known_or_bad(self) -> None:
        """Of all two-key codes, exactly those of the published scheme have a meaning."""
        known = {PAD.code(character) for character in ATEXT + "."}
        pairs = {a + b for a in string.digits for b in string.digits}

        assert {pair for pair in pairs if not PAD.spell(pair).bad} == known & pairs

    @given(st.text(string.ascii_letters))
    def test_capitals(self, text: str) -> None:
        """Capitals are spelled as lowercase letters."""
        assert text.lower() == PAD.spell(PAD.code(text)).text

    @given(TEXTS, st.characters().filter(lambda c: c not in ATEXT + "." + string.ascii_uppercase))
    def test_no_code(self, text: str, character: str) -> None:
        """A character without a code is refused by its position, and the text is not shown."""
        with pytest.raises(ValueError, match=f"^the character at {len(text)} has no code$"):
            PAD.code(text + character + text)


class TestSpell:
    """Keys to text."""

    @given(st.text("0123456789*#AD"))
    def test_any_keys(self, keys: str) -> None:
        """Any keys spell something: text that has codes, and an incomplete code."""
        spelling = PAD.spell(keys)

        assert PAD.spell(PAD.code(spelling.text)).text == spelling.text
        assert keys.endswith(spelling.rest)
        assert len(spelling.rest) <= 1

    @given(TEXTS, CHARACTERS)
    def test_star_takes_one_back(self, text: str, character: str) -> None:
        """A star where a code may begin deletes only the last character."""
        assert Spelling(text, "", bad=False) == PAD.spell(PAD.code(text + character) + "*")

    @given(st.integers(1, 5), TEXTS)
    def test_star_with_nothing_spelt(self, stars: int, text: str) -> None:
        """Stars with nothing before them do nothing."""
        assert Spelling(text, "", bad=False) == PAD.spell("*" * stars + PAD.code(text))

    @given(TEXTS, st.integers(0, 30))
    def test_stars_take_back_from_the_end(self, text: str, stars: int) -> None:
        """This many stars delete this many characters."""
        expected = text[: max(0, len(text) - stars)]

        assert expected == PAD.spell(PAD.code(text) + "*" * stars).text

    @given(st.lists(st.tuples(st.booleans(), CODES, BAD_CODES)))
    def test_bad_codes_lose_nothing_else(self, entry: list[tuple[bool, str, str]]) -> None:
        """Meaningless codes are skipped and reported; all others are read."""
        keys = "".join(bad if slip else good for slip, good, bad in entry)
        good = "".join(good for slip, good, _ in entry if not slip)

        spelling = PAD.spell(keys)

        assert PAD.spell(good).text == spelling.text
        assert any(slip for slip, _, _ in entry) == spelling.bad

    @given(KEYS, KEYS)
    def test_entries_join(self, first: str, second: str) -> None:
        """Later keys depend only on what was spelled so far, and on the remaining keys."""
        so_far = PAD.spell(first)
        whole = PAD.spell(first + second)
        gone_on = PAD.spell(PAD.code(so_far.text) + so_far.rest + second)

        assert (gone_on.text, gone_on.rest) == (whole.text, whole.rest)
        assert (gone_on.bad or so_far.bad) == whole.bad

    @given(TEXTS, st.data())
    def test_prefix_spells_prefix(self, text: str, data: st.DataObject) -> None:
        """A part of the keys spells a part of the text, and what is left over is the rest."""
        keys = PAD.code(text)
        pressed = keys[: data.draw(st.integers(0, len(keys)))]

        spelling = PAD.spell(pressed)

        assert text.startswith(spelling.text)
        assert pressed == PAD.code(spelling.text) + spelling.rest
        assert not spelling.bad

    @given(text=TEXTS, half=st.sampled_from("0123456789"))
    def test_star_takes_half_a_code_back(self, text: str, half: str) -> None:
        """A star after the first key of a code deletes only that key."""
        assert Spelling(text, "", bad=False) == PAD.spell(PAD.code(text) + half + "*")
        assert PAD.spell("230*23").text == "cc"

    @pytest.mark.parametrize("rest", ["0", "1", "7"])
    @given(text=TEXTS)
    def test_rest(self, rest: str, text: str) -> None:
        """An unfinished code is not an error; it is kept as the rest."""
        assert Spelling(text, rest, bad=False) == PAD.spell(PAD.code(text) + rest)


class TestLocal:
    """Valid local parts."""

    @given(DOT_ATOMS)
    def test_dot_atoms(self, text: str) -> None:
        """Every dot-atom of up to 64 characters is a local part."""
        assert PAD.is_local(text) == (len(text) <= 64)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ".",
            ".a",
            "a.",
            "a..b",
            "a b",
            "a@b",
            '"a b"',
            "a,b",
            "\N{LATIN SMALL LETTER E WITH ACUTE}",
            "a\n",
        ],
    )
    def test_refused(self, text: str) -> None:
        """Empty text, dots at an end or doubled, spaces, quotes, commas, or accents are refused."""
        assert not PAD.is_local(text)

    def test_limit(self) -> None:
        """The limit is 64 characters, or that of the pad."""
        assert PAD.is_local("a" * 64)
        assert not PAD.is_local("a" * 65)
        assert EmailPad(max_local=2).is_local("ab")
        assert not EmailPad(max_local=2).is_local("abc")


class TestDomain:
    """Valid domains."""

    @given(DOMAINS_WRITTEN)
    def test_host_names(self, text: str) -> None:
        """Labels of letters, digits, and hyphens, separated by dots, are a domain."""
        assert PAD.is_domain(text)
        assert PAD.is_domain(text.upper())

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "com",
            ".com",
            "a.com.",
            "a..com",
            "-a.com",
            "a-.com",
            "a.-com",
            "a.com-",
            "a_b.com",
            "a b.com",
            "a.com\n",
            "1.2.3.4",
            "a.123",
            "[1.2.3.4]",
            "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.com",
            "a" * 64 + ".com",
        ],
    )
    def test_refused(self, text: str) -> None:
        """No dot, empty or long labels, hyphens at an end, other signs, and IPv4 are refused."""
        assert not PAD.is_domain(text)

    @pytest.mark.parametrize("text", ["a.b", "a-b.com", "1.com", "a.1com", "a" * 63 + ".com"])
    def test_accepted(self, text: str) -> None:
        """Short labels, inner hyphens, leading digits, and labels of 63 characters are accepted."""
        assert PAD.is_domain(text)

    def test_limit(self) -> None:
        """The limit is 253 characters, or that of the pad."""
        longest = ".".join(["a" * 49] * 5) + ".ab"

        assert PAD.is_domain("b" + longest[1:])
        assert len(longest) == 252
        assert PAD.is_domain("a" + longest)
        assert not PAD.is_domain("aa" + longest)
        assert EmailPad(max_domain=4).is_domain("a.bc")
        assert not EmailPad(max_domain=4).is_domain("a.bcd")


class TestAddress:
    """Complete addresses."""

    @given(DOT_ATOMS, DOMAINS_WRITTEN)
    def test_accepted(self, local: str, domain: str) -> None:
        """Any short dot-atom at any host name is an address, with a lowercase domain."""
        assume(len(local) <= 64)

        assert f"{local}@{domain}" == PAD.address(local, domain.upper())

    @given(st.text(), st.text())
    def test_nothing_else(self, local: str, domain: str) -> None:
        """An invalid local part or domain is refused without an exception."""
        assume(not (PAD.is_local(local) and PAD.is_domain(domain)))

        assert PAD.address(local, domain) is None

    @pytest.mark.parametrize(
        "domain",
        ["example.com", "example.org", "mail.example.net", "biller.example", "biller.test"],
    )
    def test_domains_of_tests(self, domain: str) -> None:
        """The domains used in tests and demonstrations are accepted."""
        assert f"jane@{domain}" == PAD.address("jane", domain)

    @pytest.mark.parametrize(
        "domain",
        ["a.invalid", "a.local", "a.localhost", "a.onion", "1.0.10.in-addr.arpa", "ab--cd.com",
         "xn--a.com", "a.com1"],
    )  # fmt: skip
    def test_domains_without_mail(self, domain: str) -> None:
        """Special-use and reserved names, and top-level domains ending in a digit, are refused."""
        assert PAD.is_domain(domain)
        assert PAD.address("jane", domain) is None

    def test_internationalised_domain_stays_as_keyed(self) -> None:
        """A domain keyed as an A-label stays one, since only ASCII can be keyed and sent."""
        assert PAD.address("jane", "xn--bcher-kva.example.com") == "jane@xn--bcher-kva.example.com"

    def test_whole_length(self) -> None:
        """An address has at most 254 characters, even if its parts are within their limits."""
        domain = ".".join(["a" * 49] * 5) + ".abc"

        assert PAD.address("j", domain[3:]) is not None
        assert PAD.address("j" * 3, domain) is None


class TestEditing:
    """Corrections in the read-back."""

    @given(TEXTS, CHARACTERS, st.data())
    def test_replaced(self, text: str, character: str, data: st.DataObject) -> None:
        """One character is replaced, and the others stay."""
        assume(text)
        at = data.draw(st.integers(0, len(text) - 1))

        result = replaced(text, at, character)

        assert character == result[at]
        assert (text[:at], text[at + 1 :]) == (result[:at], result[at + 1 :])

    @given(TEXTS, CHARACTERS, st.data())
    def test_inserted_and_removed(self, text: str, character: str, data: st.DataObject) -> None:
        """What was inserted anywhere, including at the end, can be removed again."""
        at = data.draw(st.integers(0, len(text)))

        result = inserted(text, at, character)

        assert character == result[at]
        assert text == removed(result, at)

    @given(TEXTS, st.integers())
    def test_beyond_the_text(self, text: str, at: int) -> None:
        """Positions before or after the text are refused, and the text is not shown."""
        assume(not 0 <= at <= len(text))

        with pytest.raises(IndexError, match=f"^no character {at} in {len(text)}$"):
            replaced(text, at, "q")
        with pytest.raises(IndexError, match=f"^no place {at} in {len(text)} characters$"):
            inserted(text, at, "q")
        with pytest.raises(IndexError, match=f"^no character {at} in {len(text)}$"):
            removed(text, at)

    @given(TEXTS)
    def test_end_of_the_text(self, text: str) -> None:
        """There is no character at the end to replace or remove."""
        with pytest.raises(IndexError):
            removed(text, len(text))
        with pytest.raises(IndexError):
            replaced(text, len(text), "q")


class TestPieces:
    """Read-back piece by piece."""

    @given(DOT_ATOMS, DOMAINS_WRITTEN, st.booleans())
    def test_join(self, local: str, domain: str, whole: bool) -> None:
        """The pieces form the address. A known domain is one piece; another one is letters."""
        spoken = pieces(f"{local}@{domain}", {domain} if whole else {"gmail.com"})

        assert f"{local}@{domain}" == "".join(spoken)
        assert (*local, "@") == spoken[: len(local) + 1]
        assert ((domain,) if whole else tuple(domain)) == spoken[len(local) + 1 :]

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text, an address or not, is the sum of its pieces, and none is empty."""
        spoken = pieces(text, {"gmail.com"})

        assert text == "".join(spoken)
        assert all(spoken)

    def test_capitals_on_file(self) -> None:
        """A domain on file with capitals is still recognized, and stays as written."""
        assert pieces("J@GMail.com", ("gmail.com",)) == ("J", "@", "GMail.com")
