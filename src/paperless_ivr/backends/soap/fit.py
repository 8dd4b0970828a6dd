"""How each operation that we know sits on a service's WSDL: found at start, never in a call."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attrs import define, field, frozen
from zeep.xsd import ComplexType
from zeep.xsd.types.builtins import Boolean, Date, DateTime
from zeep.xsd.types.builtins import Decimal as XsdDecimal
from zeep.xsd.types.simple import AnySimpleType

from paperless_ivr.backends.connection import Connection
from paperless_ivr.backends.soap.contract import Contract
from paperless_ivr.backends.soap.shapes import (
    ERROR_CODE,
    FLAGS,
    SHAPES,
    WHO_ASKS,
    Answered,
    Kind,
    Shape,
    revealed,
)
from paperless_ivr.flow.requests import OPERATIONS

NOT = "not "
"""Before a flag's path: the service's flag says the contrary."""


@frozen
class Spot:
    """Where a field stands."""

    path: tuple[str, ...]
    contrary: bool = False


@define
class Fit:
    """One operation of the service, and how our fields sit on its own."""

    operation: str
    shape: Shape
    takes: dict[str, Spot] = field(factory=dict)
    """Where each field of a request goes."""
    spots: dict[str, Spot] = field(factory=dict)
    """Where each field of an answer stands."""
    beside: Mapping[str, str] = field(factory=dict)
    problems: list[str] = field(factory=list)
    """Why it cannot be used."""
    notes: list[str] = field(factory=list)
    """What it lacks, and can be used without."""

    def request(self, fields: Mapping[str, object]) -> dict[str, Any]:
        """A request's fields, in the names and the nesting of the service; secrets revealed."""
        whole: dict[str, Any] = {}
        for name, value in (*fields.items(), *self.beside.items()):
            spot = self.takes.get(name)
            if spot is not None and value is not None:
                *outer, last = spot.path
                inner = whole
                for step in outer:
                    inner = inner.setdefault(step, {})
                inner[last] = not value if spot.contrary else revealed(value)
        return whole

    def flag(self, name: str, result: object) -> bool | None:
        """A flag in a result; None where there is none."""
        spot = self.spots.get(name)
        value = None if spot is None else _at(result, spot.path)
        if spot is None or not isinstance(value, bool):
            return None
        return value != spot.contrary

    def text(self, name: str, result: object) -> str | None:
        """A text in a result, or a number as a text; None where there is none, or a blank."""
        value = self._value(name, result)
        return None if value is None else str(value).strip() or None

    def money(self, name: str, result: object) -> Decimal | None:
        """An amount in a result."""
        value = self._value(name, result)
        return None if value is None else Decimal(value)

    def day(self, name: str, result: object) -> date | None:
        """A day in a result; the year 1 is .NET's word for none."""
        value = self._value(name, result)
        day = value.date() if isinstance(value, datetime) else value
        return day if isinstance(day, date) and day.year > 1 else None

    def items(self, name: str, result: object) -> Iterator[object]:
        """The items of a list in a result."""
        yield from (item for item in self._value(name, result) or () if item is not None)

    def _value(self, name: str, result: object) -> Any:
        spot = self.spots.get(name)
        return None if spot is None else _at(result, spot.path)


def _at(result: Any, path: Iterable[str]) -> Any:
    for step in path:
        result = getattr(result, step, None)
    return result


def strangers(connection: Connection) -> Iterator[str]:
    """Names on the left of a connection's tables that no operation has."""
    asked = {name for shape in SHAPES.values() for name in (*WHO_ASKS, *shape.needs, *shape.may)}
    answered = {one.name for shape in SHAPES.values() for one in _all(shape)}
    for title, table, ours in (
        ("request", connection.request, asked),
        ("answer", connection.answer, answered),
    ):
        for operation, names in table.items():
            for name in sorted(set(names) - ours):
                near = difflib.get_close_matches(name, ours, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                yield f"{title}.{operation}.{name}: no operation has such a field{hint}"


def _all(shape: Shape) -> Iterator[Answered]:
    waiting = [shape.success, ERROR_CODE, *shape.answers]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.inside


def fits(contract: Contract, connection: Connection) -> Mapping[str, Fit]:
    """Every one of the seven operations that the service has and that is to be used."""
    names = sorted((contract.operations & OPERATIONS) - set(connection.leave_out))
    return {name: _fit(name, contract, connection) for name in names}


def _fit(operation: str, contract: Contract, connection: Connection) -> Fit:
    fit = Fit(operation, SHAPES[operation])
    _place_request(fit, contract.takes(operation), connection)
    top = (fit.shape.success, *fit.shape.answers)
    _place_answer(fit, (*top, ERROR_CODE), contract.answers(operation), connection)
    return fit


# ── requests ─────────────────────────────────────────────────────────────────────────────


def _place_request(fit: Fit, kind: Any, connection: Connection) -> None:
    operation = fit.operation
    there = dict(_leaves(kind))
    for name in (*WHO_ASKS, *fit.shape.needs, *fit.shape.may):
        said = connection.asked(operation, name)
        path = tuple(said.removeprefix(NOT).split("."))
        if path in there and said.startswith(NOT) and name not in FLAGS:
            fit.problems.append(f"{name} is no flag, and cannot be turned round")
        elif path in there:
            fit.takes[name] = Spot(path, said.startswith(NOT))
        elif name in fit.shape.may:
            fit.notes.append(f"takes no {name}; it goes without")
        else:
            fit.problems.append(
                f"takes no {'.'.join(path)}{'' if name in FLAGS else _meant(path, there)}; "
                f"say under [request.{operation}] what {name} is called there"
                + (", with 'not ' before it if it says the contrary" * (name in FLAGS))
            )
    fit.beside = connection.beside(operation)
    for name in fit.beside:
        path = tuple(name.split("."))
        if path in there:
            fit.takes[name] = Spot(path)
        else:
            fit.problems.append(f"takes no {name}, which [fixed.{operation}] gives")
    filled = {spot.path for spot in fit.takes.values()}
    fit.problems += [
        f"wants {'.'.join(path)}, which is not known; give it a value under [fixed.{operation}]"
        for path, must in there.items()
        if must and path not in filled
    ]


def _leaves(kind: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The fields of a request, and whether each must be there."""
    for name, element in _elements(kind):
        if isinstance(element.type, ComplexType) and not element.accepts_multiple:
            yield from _leaves(element.type, (*at, name))
        else:
            yield (*at, name), not element.is_optional and not element.nillable


def _elements(kind: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(kind, ComplexType):
        yield from ((name, e) for name, e in kind.elements if hasattr(e, "type"))


def _meant(path: Sequence[str], there: Iterable[tuple[str, ...]]) -> str:
    """Fields of the service that may be the one that was looked for."""
    names = [".".join(known) for known in there]
    near = difflib.get_close_matches(".".join(path), names, n=2)
    return f" (but {' and '.join(near)})" if near else ""


# ── answers ──────────────────────────────────────────────────────────────────────────────


def _place_answer(fit: Fit, wanted: Sequence[Answered], kind: Any, connection: Connection) -> None:
    for one in wanted:
        said = connection.answered(fit.operation, one.name) or one.path
        path = tuple(said.removeprefix(NOT).split("."))
        element = _element(kind, path)
        if element is None:
            near = _meant(path, ((name,) for name, _ in _elements(kind)))
            _lacks(fit, one, f"answers no {'.'.join(path)}{near}")
        elif not _is(element, one.kind):
            _lacks(fit, one, f"answers {'.'.join(path)}, but it is not {one.kind.value}")
        elif said.startswith(NOT) and one.kind is not Kind.FLAG:
            _lacks(fit, one, f"answers {'.'.join(path)}; only a flag can be turned round")
        else:
            fit.spots[one.name] = Spot(path, said.startswith(NOT))
            if one.inside:
                _place_answer(fit, one.inside, element.type, connection)


def _lacks(fit: Fit, one: Answered, says: str) -> None:
    if one.needed:
        where = f"[answer.{fit.operation}]"
        fit.problems.append(f"{says}; say under {where} where {one.name} stands")
    else:
        fit.notes.append(f"{says}; it goes without {one.name}")


def _element(kind: Any, path: Sequence[str]) -> Any:
    """The element at a path; None where there is none."""
    element = None
    for step in path:
        element = dict(_elements(kind)).get(step)
        if element is None:
            return None
        kind = element.type
    return element


def _is(element: Any, kind: Kind) -> bool:
    """Whether an element is what is wanted."""
    several = element.accepts_multiple
    if kind is Kind.LIST:
        return several and isinstance(element.type, ComplexType)
    wanted: Any = {
        Kind.FLAG: Boolean,
        Kind.TEXT: AnySimpleType,
        Kind.MONEY: XsdDecimal,
        Kind.DAY: (DateTime, Date),
    }[kind]
    return not several and isinstance(element.type, wanted)
