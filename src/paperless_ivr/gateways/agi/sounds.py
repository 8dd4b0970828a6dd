"""The sounds of a prompt on Asterisk: files of recorded phrases, and Asterisk's core sounds.

Digits, letters, numbers, and days are spoken with the core sounds in the channel's language
(SAY DIGITS, SAY ALPHA, SAY NUMBER, SAY DATETIME), which must be installed for each language. If
Asterisk's name for a language is not the first part of the language's tag (on Debian, one name is
"es_MX_f_Allison"), set `names`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import assert_never

from attrs import field, frozen

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.gateways.agi.lines import quoted
from paperless_ivr.prompts import Catalog, speech
from paperless_ivr.prompts.pieces import (
    Cardinal,
    Characters,
    Date,
    InLanguage,
    Letter,
    Money,
    Pause,
    Piece,
    Text,
)
from paperless_ivr.prompts.recorded import LIST, Recordings, bare, phrases

A_SOUND = 0.1
"""The length of the shortest sound, in seconds. If the sounds of a number are missing, SAY NUMBER
immediately returns 0, as if it had spoken the number (observed in Asterisk 16.28 and 22.10)."""
GROUP_PAUSE = 300
"""The pause between groups of digits in milliseconds, as in the SSML of `prompts.ssml`."""
DAYS = {"es": "d 'digits/es-de' B"}
"""How to say a date, in Asterisk's format: d is the day, B is the month. The default is "Bd"."""


def _sounds(folder: str, *names: object) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


SPELLED = (
    *_sounds("digits", *range(10)),
    *_sounds("letters", *"abcdefghijklmnopqrstuvwxyz"),
    *_sounds("digits", *(f"mon-{month}" for month in range(12))),
)
"""Core sounds for digits, letters, and months. All languages use these names (main/say.c)."""
TENS = range(30, 100, 10)
NUMBERS = {
    "en": _sounds(
        "digits",
        *(*range(10, 21), *TENS, "hundred", "thousand", "million"),
        *(f"h-{day}" for day in (*range(1, 21), 30)),
    ),
    "es": _sounds(
        "digits",
        *(*range(10, 31), *TENS[1:], "and", "100-and", *range(200, 1000, 100)),
        *("thousand", "million", "millions", "1M", "es-de"),
    ),
}
"""More core sounds, for numbers and days (main/say.c). Other languages are not listed yet.
Spanish also needs digits/100, which Debian's sounds lack, so we record "cien" ourselves."""


@frozen
class Sound:
    """A command that plays one sound. The escape digits go between its two parts."""

    language: str
    """The language to set the channel to, as Asterisk names it."""
    command: str = field(repr=False)
    more: str = field(default="", repr=False)
    is_file: bool = False
    """Whether the sound can be resumed where it was interrupted."""
    is_pause: bool = False
    least: float = 0.0
    """The minimum length in seconds. A sound that ends sooner was not played."""

    def to(self, escape: str, offset: int = 0) -> str:
        """Return the command. The keys in `escape` interrupt the sound."""
        if self.is_pause:
            return self.command
        start = f" {offset}" if offset and self.is_file else ""
        return f'{self.command} "{escape}"{self.more}{start}'


@frozen
class Sounds:
    """The recordings of a policy's phrases, and where Asterisk finds them."""

    catalog: Catalog
    recordings: Recordings
    prefix: str
    """Asterisk's path to the folder, either absolute or relative to its own sounds folder."""
    names: Mapping[str, str] = field(factory=dict)
    """Asterisk's names for languages, where they differ from the first part of the tag."""

    @classmethod
    def of(
        cls,
        policy: Policy,
        folder: Path,
        prefix: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> "Sounds":
        """Return the sounds in a folder. Raises GatewayProblems if any file is missing."""
        title = f"{folder}: sounds are missing; `paperless-ivr prompts --render` creates them"
        if not (folder / LIST).is_file():
            raise GatewayProblems(title, [f"there is no {LIST}, which lists the files"])
        recordings = Recordings.read(folder)
        problems = [
            f"{phrase.language}, {phrase.name}: there is no file for {phrase.text!r}"
            for phrase in recordings.missing(phrases(policy))
        ]
        if problems:
            raise GatewayProblems(title, problems)
        place = prefix or folder.resolve().as_posix()
        return cls(Catalog.of(policy), recordings, place, names or {})

    def called(self, language: str) -> str:
        """Return Asterisk's name for a language."""
        return self.names.get(language, language.partition("-")[0].lower())

    def recorded(self, language: str) -> tuple[str, ...]:
        """Return Asterisk's names for the recorded phrases of a language."""
        files = {file for (of, _), file in self.recordings.files.items() if of == language}
        return tuple(f"{self.prefix}/{file}" for file in sorted(files))

    def core(self, language: str) -> tuple[str, ...]:
        """Return the core sounds that prompts in a language use."""
        return SPELLED + NUMBERS.get(_syntax(self.called(language)), ())

    def prompt(self, prompt: Prompt, language: str) -> Iterator[Sound]:
        """Yield the sounds of a prompt."""
        return self._played(speech(prompt, language, self.catalog), language)

    def _played(self, pieces: Iterable[Piece], language: str) -> Iterator[Sound]:
        for piece in pieces:
            match piece:
                case Text(text) | Letter(text):
                    yield from self._text(text, language)
                case Characters(groups):
                    yield from self._characters(groups, language)
                case Money():
                    yield from self._money(piece, language)
                case Date(day):
                    yield self._day(day, language)
                case Cardinal(number):
                    yield from self._number(number, language)
                case Pause():
                    yield self._pause(language)
                case InLanguage(other, inner):
                    yield from self._played(inner, other)
                case _:
                    assert_never(piece)

    def _text(self, text: str, language: str) -> Iterator[Sound]:
        """Yield the recording of a phrase. If there is none, as for a domain, spell the phrase."""
        file = self.recordings.file(language, text)
        if file is not None:
            yield self._file(f"{self.prefix}/{file}", language)
        elif letters := "".join(c for c in bare(text) if c.isascii() and c.isalnum()):
            yield self._say("ALPHA", letters, language)

    def _characters(self, groups: Iterable[str], language: str) -> Iterator[Sound]:
        for number, group in enumerate(groups):
            if number:
                yield self._pause(language)
            yield self._say("DIGITS" if group.isdecimal() else "ALPHA", group, language)

    def _money(self, money: Money, language: str) -> Iterator[Sound]:
        """Yield an amount in numbers and words: "48 dollars and 20 cents"."""
        whole, hundredths = divmod(round(money.amount * 100), 100)
        yield from self._number(whole, language)
        yield from self._term("term_dollars", whole, language)
        if hundredths:
            book = self.catalog.books[language]
            yield from self._text(book["term_and_cents"], language)
            yield from self._number(hundredths, language)
            yield from self._term("term_cents", hundredths, language)

    def _term(self, name: str, number: int, language: str) -> Iterator[Sound]:
        which = "1" if number == 1 else "many"
        return self._text(self.catalog.books[language][f"{name}_{which}"], language)

    def _number(self, number: int, language: str) -> Iterator[Sound]:
        """Yield a number. In Spanish, use our own recording of 100, since Debian has none."""
        thousands, rest = divmod(number, 1000)
        if _syntax(self.called(language)) != "es" or 100 not in (thousands, rest):
            yield self._say("NUMBER", str(number), language)
            return
        hundred = self.catalog.books[language]["term_hundred"]
        if thousands == 100:
            yield from self._text(hundred, language)
            yield self._file("digits/thousand", language)
        elif thousands:
            yield self._say("NUMBER", str(thousands * 1000), language)
        if rest == 100:
            yield from self._text(hundred, language)
        elif rest:
            yield self._say("NUMBER", str(rest), language)

    def _file(self, name: str, language: str) -> Sound:
        return Sound(self.called(language), f"STREAM FILE {quoted(name)}", is_file=True)

    def _day(self, day: date, language: str) -> Sound:
        noon = int(datetime.combine(day, time(12), UTC).timestamp())
        spoken = self.called(language)
        letters = quoted(DAYS.get(_syntax(spoken), "Bd"))
        return Sound(spoken, f"SAY DATETIME {noon}", f" {letters} UTC", least=A_SOUND)

    def _say(self, what: str, text: str, language: str) -> Sound:
        least = A_SOUND if what == "NUMBER" else A_SOUND * len(text)
        return Sound(self.called(language), f"SAY {what} {quoted(text)}", least=least)

    def _pause(self, language: str) -> Sound:
        return Sound(self.called(language), f"WAIT FOR DIGIT {GROUP_PAUSE}", is_pause=True)


def _syntax(name: str) -> str:
    """Return the first two letters of a language name, which select Asterisk's number grammar."""
    return name[:2].lower()
