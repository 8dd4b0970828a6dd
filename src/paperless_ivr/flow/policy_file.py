"""The reader of policies in TOML, which reports all problems in a policy together (R19).

Reading finds values of the wrong kind for a setting. `policy_checks` finds values that are not
allowed, including those in a policy that was created in Python.
"""

import difflib
import enum
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, get_args, get_origin

import attrs
from attrs import evolve, fields
from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from paperless_ivr.errors import PolicyProblems
from paperless_ivr.flow.policy import Offer, Policy
from paperless_ivr.flow.policy_checks import (
    Finding,
    Place,
    dotted,
    findings,
    lines,
    plain,
    problems,
    settings,
    shown,
)

__all__ = ["digest", "parse_policy", "problems"]

Hook = Callable[[Any, Any], Any]
Check = Callable[[Policy], Iterable[Finding]]


def parse_policy(text: str, source: str = "policy", check: Check = findings) -> Policy:
    """Return the policy in a TOML text. Raises `PolicyProblems`, which names the `source`.

    `check` finds values that are not allowed. `prompts.policies` passes a check that
    also covers the policy's words.
    """
    try:
        tables = tomllib.loads(text)
    except ValueError as error:  # a syntax error, or a number with thousands of digits
        at_end = f"at the end, line {len(text.splitlines())}"
        says = str(error).replace("at end of document", at_end)
        raise PolicyProblems(cannot_be_used(source), [f"not TOML: {says}"]) from error
    found = list(_misfits(tables))
    meant = [place for finding in found for place in finding.rests_on]
    doubtful = [f.at for f in found] + [place for place in meant if not _holds(tables, place)]
    _drop(tables, [finding.at for finding in found])
    policy = _with_default_days(_CONVERTER.structure(tables, Policy), tables)
    found += [
        finding
        for finding in check(policy)
        if not any(
            _touch(doubt, place) for doubt in doubtful for place in (finding.at, *finding.rests_on)
        )
    ]
    if found:
        raise PolicyProblems(cannot_be_used(source), lines(found))
    return policy


def digest(policy: Policy) -> str:
    """Return a digest of a policy, for `Release.policy`. Equal policies have equal digests."""
    canonical = json.dumps(plain(policy), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def cannot_be_used(source: str) -> str:
    """Return the title of a report on an unusable policy."""
    return f"{source}: this policy cannot be used"


# ── values that do not fit ───────────────────────────────────────────────────────────────


class Misfit(Exception):
    """A value does not fit its setting. The places in the findings are relative to the value."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings)
        self.findings = findings


def _misfit(says: str) -> Misfit:
    return Misfit([Finding((), says)])


def _misfits(tables: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for everything that does not fit a setting."""
    try:
        _CONVERTER.structure(tables, Policy)
    except ClassValidationError as error:
        yield from _told(error, ())


def _told(error: Exception, at: Place) -> Iterator[Finding]:
    """Yield the findings in an exception from cattrs."""
    match error:
        case ClassValidationError():
            noted, others = error.group_exceptions()
            for inner, note in noted:
                yield from _told(inner, (*at, note.name))
            for inner in others:
                yield from _told(inner, at)
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield _unknown((*at, key), error.cl)
        case _:
            assert isinstance(error, Misfit), error
            yield from (evolve(f, at=(*at, *f.at)) for f in error.findings)


def _unknown(at: Place, cls: type) -> Finding:
    """Return the finding for an unknown key, with suggestions for what may have been meant."""
    *section, key = (str(part) for part in at)
    near = difflib.get_close_matches(key, [a.name for a in fields(cls)], n=1)
    elsewhere: list[Place] = [place for place, _, _ in settings(Policy()) if place[-1] == key]
    meant = elsewhere or [(*section, name) for name in near]
    says = "there is no such setting" if section else "there is no such section"
    if meant:
        says += f"; did you mean {' or '.join(dotted(place) for place in meant)}?"
    return Finding(at, says, tuple(meant))


def _exactly(wanted: str, *kinds: type) -> Hook:
    """Return a hook that accepts only these types, not subclasses, so that true is not a number."""

    def structure(value: Any, _: Any) -> Any:
        if type(value) not in kinds:
            raise _misfit(f"must be {wanted}, not {shown(value)}")
        return value

    return structure


def _one_of(value: Any, kind: type[enum.Enum]) -> enum.Enum:
    """Return the member of an enumeration with this value."""
    known = [str(member.value) for member in kind]
    if value in known:
        return kind(value)
    says = f"must be one of {', '.join(known)}, not {shown(value)}"
    near = difflib.get_close_matches(value, known, n=1) if isinstance(value, str) else []
    raise _misfit(f"{says}; did you mean {near[0]}?" if near else says)


def _each(items: Iterable[tuple[Place, Any]], fit: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield the converted items. If some do not fit, raise `Misfit` with all of their places."""
    wrong: list[Finding] = []
    for at, item in items:
        try:
            yield fit(item)
        except Misfit as misfit:
            wrong += [evolve(f, at=(*at, *f.at)) for f in misfit.findings]
    if wrong:
        raise Misfit(wrong)


def _list(kind: Any, converter: Converter) -> Hook:
    """Return a hook that accepts a list, and checks its length if the setting has a fixed one."""
    each, *rest = get_args(kind)
    size = None if rest == [...] else 1 + len(rest)

    def structure(value: Any, _: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _misfit(f"must be a list in square brackets, not {shown(value)}")
        if size is not None and len(value) != size:
            raise _misfit(f"must be a list of {size} items, not {len(value)}")
        items = (((n,) if size is None else (), item) for n, item in enumerate(value))
        return tuple(_each(items, lambda item: converter.structure(item, each)))

    return structure


def _mapping(kind: Any, converter: Converter) -> Hook:
    """Return a hook that accepts a section in which the biller chooses the keys."""
    keys, values = get_args(kind)

    def fit(entry: tuple[Any, Any]) -> tuple[Any, Any]:
        key, value = entry
        return converter.structure(key, keys), converter.structure(value, values)

    def structure(value: Any, _: Any) -> Mapping[Any, Any]:
        if type(value) is not dict:
            raise _misfit(f"must be a section, not {shown(value)}")
        return dict(_each((((key,), (key, inner)) for key, inner in value.items()), fit))

    return structure


def _section(cls: type, converter: Converter) -> Hook:
    """Return a hook that accepts a section in which every key must be a setting."""
    fit: Hook = make_dict_structure_fn(
        cls, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True
    )

    def structure(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise _misfit(f"must be a section, not {shown(value)}")
        return fit(value, cls)

    return structure


def _made_of(origin: type) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


def _converter() -> Converter:
    made = Converter(detailed_validation=True)
    made.register_structure_hook(bool, _exactly("true or false", bool))
    made.register_structure_hook(int, _exactly("a whole number", int))
    made.register_structure_hook(float, _exactly("a number", float, int))
    made.register_structure_hook(str, _exactly("text in quotes", str))
    made.register_structure_hook(
        date, _exactly("a date such as 2026-11-22, without quotes or a time", date)
    )
    made.register_structure_hook(enum.Enum, _one_of)
    for applies, factory in (
        (_made_of(tuple), _list),
        (_made_of(Mapping), _mapping),
        (attrs.has, _section),
    ):
        made.register_structure_hook_factory(applies, partial(factory, converter=made))
    return made


_CONVERTER = _converter()


def _drop(tables: dict[str, Any], places: Iterable[Place]) -> None:
    """Remove the values at these places, beginning at the end of each list."""
    for *way, last in reversed(list(dict.fromkeys(places))):
        inside: Any = tables
        for key in way:
            inside = inside[key]
        del inside[last]


def _with_default_days(policy: Policy, tables: Mapping[str, Any]) -> Policy:
    """Add the default days for the dispositions that the file does not name."""
    if "again_after_days" not in tables.get("offer", {}):
        return policy
    days = {**Offer().again_after_days, **policy.offer.again_after_days}
    return evolve(policy, offer=evolve(policy.offer, again_after_days=days))


def _holds(tables: Mapping[str, Any], place: Place) -> bool:
    """Whether a file has a value at a place."""
    inside: Any = tables
    for key in place:
        if not isinstance(inside, dict) or key not in inside:
            return False
        inside = inside[key]
    return True


def _touch(one: Place, other: Place) -> bool:
    """Whether two places are the same, or one is inside the other."""
    return all(a == b for a, b in zip(one, other, strict=False))
