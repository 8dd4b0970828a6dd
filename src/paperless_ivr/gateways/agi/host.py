"""Hand-overs and hand-backs in a dialplan, as channel variables and as arguments of AGI().

    same => n,Set(PAPERLESS_MOMENT=before_payment)
    same => n,AGI(agi://127.0.0.1/,account=${ACCOUNT})
    same => n,GotoIf($["${PAPERLESS_DISPOSITION}" = "abandoned"]?gone)

An argument has the variable's name in lowercase, without PAPERLESS_, and takes precedence over the
variable. `flow.host_strings` defines the names and values.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from attrs import evolve, frozen

from paperless_ivr import secret
from paperless_ivr.errors import HostProblems
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.host_strings import (
    FROM_HOST,
    OUTCOME_NAMES,
    arrival_from_strings,
)
from paperless_ivr.gateways.agi.lines import LONGEST_COMMAND, quoted
from paperless_ivr.keypad import phone_number

PREFIX = "PAPERLESS_"
HANDED_OVER = ("call_id", "biller", "ani", "ani_withheld", "dnis", "person", *FROM_HOST)
"""The names that a dialplan can set, as a variable PAPERLESS_… or as an argument."""

NOBODY = ("", "unknown", "anonymous", "restricted", "unavailable")
"""The values that Asterisk and SIP send in place of a missing number."""

FAILED_SCREENING = 0x02
"""The value of bits 0x03 of `agi_callingpres` if the network found that the number is not the
caller's (AST_PRES_USER_NUMBER_FAILED_SCREEN; ITU-T Q.931, section 4.5.10, screening indicator)."""

NOT_PRESENTED = 0x60
"""Bits of `agi_callingpres`, which is `CALLERID(pres)` as a number: 0x20 if the caller withholds
the number or name, and 0x40 if there is none (Asterisk, include/asterisk/callerid.h,
AST_PRES_RESTRICTION; main/channel.c, ast_party_id_presentation)."""

AT_ONCE = 23
"""The number of variables that every version of MSet accepts. Earlier versions had room for 24 and
ignored the last one; newer ones have room for 99
(https://github.com/asterisk/asterisk/commit/5c67a991c269808916b22e12f01f0c6e018f3cee)."""


@frozen
class HandedOver:
    """A call as the dialplan hands it over."""

    arrival: Arrival
    person: str
    """What to dial to reach an agent, or empty if there is none."""


def arguments(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments of AGI() by name. Raises HostProblems if a name is unknown."""
    numbered = [n for n in range(1, 129) if f"agi_arg_{n}" in headers]
    found: dict[str, str] = {}
    problems: list[str] = []
    for number in numbered:
        name, equals, value = headers[f"agi_arg_{number}"].partition("=")
        name = name.strip().lower()
        if not name and not equals:
            continue
        if not equals or name not in HANDED_OVER:
            problems.append(f"argument {number}: {_misnamed(name)}")
        found[name] = value
    if problems:
        raise HostProblems("the arguments of AGI() cannot be used", problems)
    return found


def _misnamed(name: str) -> str:
    """Describe what is wrong with an argument, quoting it only if it looks like a name."""
    if not re.fullmatch(r"[a-z_]{2,24}", name):
        return "must be name=value"
    near = get_close_matches(name, HANDED_OVER, n=1)
    return f"unknown name {name!r}{f'; did you mean {near[0]}?' if near else ''}"


def handed_over(
    headers: Mapping[str, str], given: Mapping[str, str], biller: str, person: str
) -> HandedOver:
    """Return the call described by these headers and values. `biller` and `person` are defaults.

    Raises HostProblems, which lists every value that cannot be read.
    """
    values = {name: value.strip() for name, value in given.items()}
    dialed = values.pop("person", person)
    callerid = values.pop("ani", headers.get("agi_callerid", ""))
    values["call_id"] = values.get("call_id") or headers.get("agi_uniqueid", "")
    values["biller"] = values.get("biller") or biller
    values.setdefault("dnis", _known(headers.get("agi_dnid", "")))
    if not values.get("ani_withheld"):
        values["ani_withheld"] = "yes" if _withheld(headers) else "no"
    if not values.get("person_available"):
        values["person_available"] = "yes" if dialed else "no"
    if values.get("payment_guid") and not values.get("payment_approved"):
        values["payment_approved"] = "no"
    ani = None if _forged(headers) else phone_number(callerid)
    arrival = evolve(arrival_from_strings(values), ani=secret.phone(ani) if ani else None)
    return HandedOver(arrival, dialed)


def _known(text: str) -> str:
    return "" if text.lower() in NOBODY else text


def _withheld(headers: Mapping[str, str]) -> bool:
    return bool(_presentation(headers) & NOT_PRESENTED)


def _forged(headers: Mapping[str, str]) -> bool:
    return _presentation(headers) & 0x03 == FAILED_SCREENING


def _presentation(headers: Mapping[str, str]) -> int:
    told = headers.get("agi_callingpres", "")
    return int(told) if told.isdecimal() else 0


def cleared(before: str) -> dict[str, str]:
    """Return empty values for the error and the outcomes that an earlier hand-back may have set.

    `before` is the number of outcomes in that hand-back. A new hand-back sets all other variables.
    """
    many = int(before) if re.fullmatch(r"[0-9]{1,2}", before) else 0
    names = (f"outcome_{number}_{name}" for number in range(1, many + 1) for name in OUTCOME_NAMES)
    return {"error": ""} | dict.fromkeys(names, "")


# ── many variables in one command, because each command is a round trip ──

SEPARATOR = "|"


def reading(names: tuple[str, ...]) -> str:
    """Return a single command that reads several variables."""
    expression = SEPARATOR.join(f"${{{PREFIX}{name.upper()}}}" for name in names)
    return f"GET FULL VARIABLE {quoted(expression)}"


def read(names: tuple[str, ...], value: str | None) -> dict[str, str] | None:
    """Return the variables in a reply, or None if a value has separators or control characters."""
    values = (value or "").split(SEPARATOR)
    if len(values) != len(names) or not all(map(str.isprintable, values)):
        return None
    return dict(zip(names, values, strict=True))


def setting(values: Mapping[str, str]) -> Iterator[str]:
    """Yield as few commands as possible to set the variables.

    MSet splits its arguments the way every application does (main/app.c,
    `__ast_app_separate_args`). A backslash escapes a comma, a quote, a parenthesis, a bracket, and
    itself.
    """
    pairs: list[str] = []
    for name, value in values.items():
        escaped = re.sub(r'([\\",()\[\]])', r"\\\1", value)
        pair = f"{PREFIX}{name.upper()}={escaped}"
        longer = _mset([*pairs, pair])
        if pairs and (len(pairs) == AT_ONCE or len(longer.encode()) > LONGEST_COMMAND):
            yield _mset(pairs)
            pairs = []
        pairs.append(pair)
    if pairs:
        yield _mset(pairs)


def _mset(pairs: list[str]) -> str:
    return f"EXEC MSet {quoted(','.join(pairs))}"
