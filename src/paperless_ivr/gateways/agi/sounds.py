"""What Asterisk plays for a prompt: recorded phrases by their files, and sounds of its own.

Digits, letters, numbers and days are those of Asterisk's core sounds in the channel's language
(SAY DIGITS, SAY ALPHA, SAY NUMBER, SAY DATETIME), which have to be installed for each language.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import assert_never

from attrs import field, frozen

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.gateways.agi.lines import quoted
from paperless_ivr.prompts import Catalogue, speech
from paperless_ivr.prompts.pieces import (
    Cardinal,
    Characters,
    Date,
    InLanguage,
    Money,
    Pause,
    Piece,
    Text,
)
from paperless_ivr.prompts.recorded import LIST, Recordings, bare, phrases

A_SOUND = 0.1
"""Seconds that the shortest sound takes. SAY NUMBER answers 0 at once where its sounds are missing
(seen at 16.28 and 22.10), as if all had been said."""
GROUP_PAUSE = 300
"""Milliseconds between groups of digits, as in the SSML of `prompts.ssml`."""
DAYS = {"es": "d 'digits/es-de' B"}
"""How a day is said, in Asterisk's letters: d is the day, B the month. Else "Bd"."""


@frozen
class Sound:
    """One thing that is played: a command, between whose halves the escape digits stand."""

    language: str
    """The language that the channel is set to, as Asterisk calls it."""
    command: str = field(repr=False)
    more: str = field(default="", repr=False)
    is_file: bool = False
    """It can be played from where it was interrupted."""
    is_pause: bool = False
    least: float = 0.0
    """Seconds that it takes at least; sooner it was not played."""

    def to(self, escape: str, offset: int = 0) -> str:
        """The command, that these keys interrupt."""
        if self.is_pause:
            return self.command
        start = f" {offset}" if offset and self.is_file else ""
        return f'{self.command} "{escape}"{self.more}{start}'


def asterisk_language(tag: str) -> str:
    """A language as Asterisk's core sounds are called: "en-US" is "en"."""
    return tag.partition("-")[0].lower()


@frozen
class Sounds:
    """The recordings of a policy's phrases, and where Asterisk finds them."""

    catalogue: Catalogue
    recordings: Recordings
    prefix: str
    """What Asterisk calls the folder: its absolute path, or one below its own sounds."""

    @classmethod
    def of(cls, policy: Policy, folder: Path, prefix: str | None = None) -> "Sounds":
        """The sounds in a folder; GatewayProblems that name every phrase without a file."""
        title = f"{folder}: sounds are missing; `paperless-ivr prompts --render` makes them"
        if not (folder / LIST).is_file():
            raise GatewayProblems(title, [f"there is no {LIST}, and so no file is known"])
        recordings = Recordings.read(folder)
        problems = [
            f"{phrase.language}, {phrase.name}: no file says {phrase.text!r}"
            for phrase in recordings.missing(phrases(policy))
        ]
        if problems:
            raise GatewayProblems(title, problems)
        return cls(Catalogue.of(policy), recordings, prefix or folder.resolve().as_posix())

    def prompt(self, prompt: Prompt, language: str) -> Iterator[Sound]:
        """What is played for a prompt."""
        return self._played(speech(prompt, language, self.catalogue), language)

    def _played(self, pieces: Iterable[Piece], language: str) -> Iterator[Sound]:
        for piece in pieces:
            match piece:
                case Text(text):
                    yield from self._text(text, language)
                case Characters(groups):
                    yield from self._characters(groups, language)
                case Money():
                    yield from self._money(piece, language)
                case Date(day):
                    yield self._day(day, language)
                case Cardinal(number):
                    yield self._say("NUMBER", str(number), language)
                case Pause():
                    yield self._pause(language)
                case InLanguage(other, inner):
                    yield from self._played(inner, other)
                case _:
                    assert_never(piece)

    def _text(self, text: str, language: str) -> Iterator[Sound]:
        """A recorded phrase; words that nobody could foresee, as a domain, are spelt."""
        file = self.recordings.file(language, text)
        if file is not None:
            spoken = asterisk_language(language)
            yield Sound(spoken, f"STREAM FILE {quoted(f'{self.prefix}/{file}')}", is_file=True)
        elif letters := "".join(c for c in bare(text) if c.isascii() and c.isalnum()):
            yield self._say("ALPHA", letters, language)

    def _characters(self, groups: Iterable[str], language: str) -> Iterator[Sound]:
        for number, group in enumerate(groups):
            if number:
                yield self._pause(language)
            yield self._say("DIGITS" if group.isdecimal() else "ALPHA", group, language)

    def _money(self, money: Money, language: str) -> Iterator[Sound]:
        """An amount in whole and hundredths, by number and word: "48 dollars and 20 cents"."""
        whole, hundredths = divmod(abs(round(money.amount * 100)), 100)
        yield self._say("NUMBER", str(whole), language)
        yield from self._term("term_dollars", whole, language)
        if hundredths:
            book = self.catalogue.books[language]
            yield from self._text(book["term_and_cents"], language)
            yield self._say("NUMBER", str(hundredths), language)
            yield from self._term("term_cents", hundredths, language)

    def _term(self, name: str, number: int, language: str) -> Iterator[Sound]:
        which = "1" if number == 1 else "many"
        return self._text(self.catalogue.books[language][f"{name}_{which}"], language)

    @staticmethod
    def _day(day: date, language: str) -> Sound:
        noon = int(datetime.combine(day, time(12), UTC).timestamp())
        spoken = asterisk_language(language)
        letters = quoted(DAYS.get(spoken, "Bd"))
        return Sound(spoken, f"SAY DATETIME {noon}", f" {letters} UTC", least=A_SOUND)

    @staticmethod
    def _say(what: str, text: str, language: str) -> Sound:
        least = A_SOUND if what == "NUMBER" else A_SOUND * len(text)
        return Sound(asterisk_language(language), f"SAY {what} {quoted(text)}", least=least)

    @staticmethod
    def _pause(language: str) -> Sound:
        return Sound(asterisk_language(language), f"WAIT FOR DIGIT {GROUP_PAUSE}", is_pause=True)
