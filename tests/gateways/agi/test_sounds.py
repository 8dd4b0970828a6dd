"""The sounds that Asterisk plays for a prompt."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.flow.slots import Day, Masked, Money, Words
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.prompts.recorded import LIST, phrases, table
from paperless_ivr.secret import Secret


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Sounds:
    """Every phrase, as a silent file."""
    folder = tmp_path_factory.mktemp("sounds")
    wanted = phrases(demo_policy())
    (folder / LIST).write_text(table(wanted), encoding="utf-8")
    for phrase in wanted:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(exist_ok=True)
        file.touch()
    return Sounds.of(demo_policy(), folder, "x")


def played(sounds: Sounds, prompt: Prompt, language: str = "en-US") -> list[str]:
    """Return what is played, by the names of files and the words of commands."""
    commands = [sound.command for sound in sounds.prompt(prompt, language)]
    return [Path(c.split('"')[1]).name if c.startswith("STREAM") else c for c in commands]


def test_a_credit(sounds: Sounds) -> None:
    """A negative amount is said as a credit."""
    gaps = (("amount", Money(Decimal("-48.20"))), ("due", Day(date(2026, 12, 15))))
    said = played(sounds, Prompt("which_amount", gaps))

    at = said.index('SAY NUMBER "48"')
    assert said[at - 1] == "term_credit-1"


def test_a_hyphen_in_a_domain(sounds: Sounds) -> None:
    """A hyphen is said as one, between labels that are spelled."""
    prompt = Prompt(
        "confirm_on_file",
        (("bill", Words("water bill")), ("masked", Masked(Secret("jo@smith-family.example")))),
    )
    said = played(sounds, prompt)

    at = said.index('SAY ALPHA "smith"')
    assert said[at + 1 : at + 3] == ["term_dash", 'SAY ALPHA "family"']


@pytest.mark.parametrize(
    ("amount", "commands"),
    [
        ("100", ["term_hundred"]),
        ("2100", ['SAY NUMBER "2000"', "term_hundred"]),
        ("100000", ["term_hundred", "thousand"]),
        ("100021", ["term_hundred", "thousand", 'SAY NUMBER "21"']),
        ("199", ['SAY NUMBER "199"']),
    ],
)
def test_hundred_in_spanish(sounds: Sounds, amount: str, commands: list[str]) -> None:
    """Asterisk's Spanish sounds have none for 100, so an amount would be said without it."""
    gaps = (("amount", Money(Decimal(amount))), ("due", Day(date(2026, 12, 15))))
    said = played(sounds, Prompt("which_amount", gaps), "es-US")

    at = said.index("term_dollars_many")
    assert said[at - len(commands) : at] == commands
    assert f'SAY NUMBER "{amount}"' in played(sounds, Prompt("which_amount", gaps))


def test_what_asterisk_calls_a_language(sounds: Sounds) -> None:
    """Numbers and days follow the language's own rules, whatever name it is installed under."""
    named = evolve(sounds, names={"es-US": "es_MX_f_Allison"})
    gaps = (("amount", Money(Decimal(100))), ("due", Day(date(2026, 12, 15))))
    prompt = Prompt("which_amount", gaps)

    assert played(named, prompt, "es-US") == played(sounds, prompt, "es-US")
    assert {s.language for s in named.prompt(prompt, "es-US")} == {"es_MX_f_Allison"}
    assert {s.language for s in named.prompt(prompt, "en-US")} == {"en"}
    assert "digits/es-de" in named.core("es-US")
