"""The mapping of our operations to a service's WSDL, determined at startup, never during a call."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, frozen
from lxml import etree
from zeep.xsd.types.builtins import Boolean

from paperless_ivr.backends.connection import Connection
from paperless_ivr.backends.soap.contract import Contract
from paperless_ivr.backends.soap.http import NothingDone, PerhapsDone
from paperless_ivr.backends.soap.shapes import (
    ERROR_CODE,
    FLAGS,
    NOT_USED,
    SHAPES,
    WHO_ASKS,
    Answered,
    Kind,
    Shape,
    revealed,
)
from paperless_ivr.backends.soap.types import (
    Child,
    Reader,
    along,
    children,
    only_text,
    reader,
    simple,
)
from paperless_ivr.backends.written import FlagWords, Unreadable
from paperless_ivr.flow.requests import OPERATIONS

NOT = "not "
"""The prefix of a flag's path if the service's flag means the opposite."""

ANY_ANSWER = "any answer"
"""A connection's entry for a read's Success if the service has no flag or code for it."""

ITSELF = "."
"""The path of the element itself: a list's only item, or an answer that is just text."""

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@frozen
class Place:
    """The location of a field in a request, and the format of its value."""

    path: tuple[str, ...]
    contrary: bool = False
    words: FlagWords | None = None

    def content(self, value: object) -> Any:
        """Return a value in the form in which it is sent."""
        if isinstance(value, bool):
            value = value != self.contrary
            return self.words.write(value) if self.words else value
        return revealed(value)


@frozen
class Spot:
    """The location of a field in an answer, and the function that reads it."""

    one: Answered
    steps: tuple[Child, ...]
    read: Reader | None = None
    """None for a list."""
    contrary: bool = False


@define
class Fit:
    """One operation of the service, and how our fields map to its own."""

    operation: str
    """Our name for the operation."""
    there: str
    """The service's name for the operation."""
    shape: Shape
    takes: dict[str, Place] = field(factory=dict)
    """The location of each field in a request."""
    spots: dict[str, Spot] = field(factory=dict)
    """The location of each field in an answer."""
    any_answer: bool = False
    """Whether any answer is a success."""
    beside: Mapping[str, str] = field(factory=dict)
    problems: list[str] = field(factory=list)
    """Reasons why the operation cannot be used."""
    notes: list[str] = field(factory=list)
    """Differences that do not prevent its use."""
    unused: list[str] = field(factory=list)
    """Fields of its answers that we do not read."""
    unsent: list[str] = field(factory=list)
    """Fields of its requests that we do not send."""

    def request(self, fields: Mapping[str, object]) -> dict[str, Any]:
        """Return a request's fields with the service's names and nesting. Secrets are revealed.

        Raises `NothingDone` if a required field is blank, because a search could then match
        anyone.
        """
        whole: dict[str, Any] = {}
        for name, value in (*fields.items(), *self.beside.items()):
            if name in self.shape.needs and value is not None and not str(revealed(value)).strip():
                raise NothingDone(f"request without {name}")
            place = self.takes.get(name)
            if place is not None and value is not None:
                *outer, last = place.path
                inner = whole
                for step in outer:
                    inner = inner.setdefault(step, {})
                inner[last] = place.content(value)
        return whole


@define
class Reading:
    """A reader for one answer, according to a fit. It remembers which fields were unreadable.

    Raises `PerhapsDone` if the answer cannot be trusted: a field that is needed or decides the next
    step cannot be read, any field appears twice or contains elements, or a list does not match the
    WSDL.
    """

    fit: Fit
    unread: set[str] = field(factory=set)

    def flag(self, name: str, node: etree._Element) -> bool | None:
        """Return a flag, or None if it is absent."""
        value = self._value(name, node)
        return None if value is None else value != self.fit.spots[name].contrary

    def value(self, name: str, node: etree._Element) -> Any:
        """Return a text, amount, or date, or None if the field is absent or cannot be read."""
        return self._value(name, node)

    def items(self, name: str, node: etree._Element) -> Iterator[etree._Element]:
        """Yield the items of a list."""
        spot = self.fit.spots[name]
        if not spot.steps:
            yield node
            return
        *outer, last = spot.steps
        inner = self._at(spot, outer, node)
        if inner is not None:
            found = inner.findall(last.tag)
            if not found and not last.optional and not last.several:
                raise PerhapsDone(f"answer without {name}")
            if len(found) > 1 and not last.several:
                raise PerhapsDone(f"answer with {name} twice")
            if not found and len(inner) and outer and len(children(outer[-1].type)) == 1:
                raise PerhapsDone(f"answer with other items in {name}")  # under another name
            yield from (item for item in found if not _is_nil(name, item))

    def _value(self, name: str, node: etree._Element) -> Any:
        spot = self.fit.spots.get(name)
        if spot is None or spot.read is None:
            return None
        try:
            text = self._text(spot, node)
            return None if text is None else spot.read(text)
        except Unreadable:
            if spot.one.decides or spot.one.needed:
                raise PerhapsDone(f"answer with {name} that cannot be read") from None
            self.unread.add(name)
            return None

    def _text(self, spot: Spot, node: etree._Element) -> str | None:
        """Return the text at a spot, or None if it is left out or nil."""
        attributes = [step for step in spot.steps if step.attribute]
        leaf = self._at(spot, spot.steps[: len(spot.steps) - len(attributes)], node)
        if leaf is None or (not spot.steps and _is_nil(spot.one.name, leaf)):
            return None
        for attribute in attributes:  # the last step, if any
            text = leaf.get(attribute.tag)
            if text is None and not attribute.optional:
                raise Unreadable
            return text
        if len(leaf):
            raise PerhapsDone(f"answer with elements inside {spot.one.name}")
        return leaf.text or ""

    def _at(
        self, spot: Spot, steps: Sequence[Child], node: etree._Element
    ) -> etree._Element | None:
        """Return the element at the end of a path, or None if it is left out or nil."""
        for step in steps:
            found = node.findall(step.tag)
            if len(found) > 1:
                raise PerhapsDone(f"answer with {spot.one.name} twice")
            nil = bool(found) and _is_nil(spot.one.name, found[0])
            if not step.optional and (not found or (nil and not step.nillable)):
                if spot.read is None:
                    raise PerhapsDone(f"answer without {spot.one.name}")
                raise Unreadable
            if not found or nil:
                return None
            node = found[0]
        return node


def _is_nil(name: str, node: etree._Element) -> bool:
    if node.get(NIL, "").strip() not in ("true", "1"):
        return False
    if len(node) or (node.text or "").strip():
        raise PerhapsDone(f"answer with {name} that is nil but has content")
    return True


def strangers(connection: Connection) -> Iterator[str]:
    """Yield a problem for each of our names in `request` and `answer` that no operation has."""
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
    """Return a fit for each of the seven operations that the service has and we use."""
    names = {name: connection.named(name) for name in sorted(OPERATIONS)}
    return {
        name: _fit(name, there, contract, connection)
        for name, there in names.items()
        if there in contract.operations and name not in connection.leave_out
    }


def misnamed(contract: Contract, connection: Connection) -> Iterator[str]:
    """Yield a problem for each operation name in a connection that the service does not have."""
    for ours, theirs in connection.operations.items():
        if theirs not in contract.operations:
            near = difflib.get_close_matches(theirs, contract.operations, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"operations.{ours}: the service has no {theirs}{hint}"


def _fit(operation: str, there: str, contract: Contract, connection: Connection) -> Fit:
    fit = Fit(operation, there, SHAPES[operation])
    for header, kind in contract.headers(there).items():
        inside = ", ".join(children(kind))
        fit.problems.append(
            f"requires the SOAP header {header} ({inside}), which is never sent; the biller would "
            "have to accept these fields in the request, or a back end in code must send the header"
        )
    _place_request(fit, contract.takes(there), connection)
    answer = contract.answers(there)
    if children(answer) or simple(answer) is not None:
        _place_answers(fit, answer, connection)
    else:
        fit.problems.append(
            "returns nothing, so it is impossible to know whether anything was done; the biller "
            f"would have to return at least {fit.shape.success.name} (true or false) or ErrorCode"
        )
    if not fit.problems:
        _try_to_write(fit, contract)
    return fit


def _try_to_write(fit: Fit, contract: Contract) -> None:
    """Write a request as a call would, to find out at startup whether zeep can write it."""
    names = (*WHO_ASKS, *fit.shape.needs, *fit.shape.may)
    try:
        contract.written(fit.there, fit.request({name: name in FLAGS or "0" for name in names}))
    except NothingDone as trouble:
        fit.problems.append(
            f"{trouble}: it requires a value that we lack, or a field that cannot hold text; "
            "the biller would have to change the WSDL, or a back end in code must send the request"
        )


def _wrapped(kind: Any) -> Child | None:
    """Return the wrapper inside a type, such as `Request` or `…Result`, if there is only one."""
    holding = [child for child in children(kind).values() if child.complex and not child.several]
    return holding[0] if len(holding) == 1 else None


def _steps(kind: Any, path: Sequence[str]) -> tuple[Child, ...] | None:
    """Return the elements on a path that starts at a type or inside its wrapper."""
    steps = along(kind, path)
    outer = _wrapped(kind)
    if steps is None and outer is not None:
        inside = along(outer.type, path)
        steps = None if inside is None else (outer, *inside)
    return steps


# ── requests ─────────────────────────────────────────────────────────────────────────────


def _place_request(fit: Fit, kind: Any, connection: Connection) -> None:
    operation = fit.operation
    leaves = dict(_leaves(kind))
    for name in (*WHO_ASKS, *fit.shape.needs, *fit.shape.may):
        said = connection.asked(operation, name)
        path = said.removeprefix(NOT).split(".")
        steps = _steps(kind, path)
        place = tuple(step.name for step in steps or ())
        if place not in leaves:
            _takes_no(fit, name, ".".join(path), leaves)
        elif said.startswith(NOT) and name not in FLAGS:
            fit.problems.append(f"{name} is not a flag, and cannot be negated")
        elif name in FLAGS and not isinstance(leaves[place][-1].simple, Boolean):
            words = connection.example(operation, name)
            if words:
                fit.takes[name] = Place(place, said.startswith(NOT), FlagWords.of(words))
            else:
                fit.problems.append(
                    f"takes {'.'.join(path)}, but not as a Boolean; specify under "
                    f'[written.{operation}] how its values are written, such as {name} = "Y/N"'
                )
        else:
            fit.takes[name] = Place(place, said.startswith(NOT))
    fit.beside = connection.beside(operation)
    for name in fit.beside:
        steps = _steps(kind, name.split("."))
        place = tuple(step.name for step in steps or ())
        if place in leaves:
            fit.takes[name] = Place(place)
        else:
            fit.problems.append(f"does not take {name}, which [fixed.{operation}] sets")
    _not_filled(fit, leaves)


def _takes_no(fit: Fit, name: str, path: str, leaves: Iterable[tuple[str, ...]]) -> None:
    if name in fit.shape.may:
        fit.notes.append(f"does not take {name}; works without it")
        return
    fit.problems.append(
        f"does not take {path}{'' if name in FLAGS else _meant(path, leaves)}; "
        f"say under [request.{fit.operation}] what {name} is called there"
        + (", with 'not ' in front if it means the opposite" * (name in FLAGS))
    )


def _not_filled(fit: Fit, leaves: Mapping[tuple[str, ...], tuple[Child, ...]]) -> None:
    """Find fields that the service takes but that we have no value for."""
    filled = {place.path for place in fit.takes.values()}
    opened = {path[:n] for path in filled for n in range(len(path))}
    for path, steps in leaves.items():
        must = all(
            (not step.optional and not step.nillable) or path[: n + 1] in opened
            for n, step in enumerate(steps)
        )
        if path in filled:
            continue
        if must:
            fit.problems.append(
                f"requires {'.'.join(path)}, but we have no value for it; set one under "
                f"[fixed.{fit.operation}]"
            )
        else:
            fit.unsent.append(".".join(path))


def _leaves(
    kind: Any, at: tuple[Child, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[Child, ...]]]:
    """Yield each field of a request: its path, and the elements on that path."""
    for child in children(kind).values():
        steps = (*at, child)
        if not child.complex:
            yield tuple(step.name for step in steps), steps
        elif child.type not in [step.type for step in at] and child.tag != "*":
            yield from _leaves(child.type, steps)


def _meant(path: str, there: Iterable[tuple[str, ...]]) -> str:
    """Return a hint that lists similar fields of the service, or an empty string."""
    paths = list(there)
    whole = len({known[0] for known in paths}) == 1  # all inside one element, such as `Request`
    names = {".".join(known[1:] if whole and len(known) > 1 else known) for known in paths}
    near = difflib.get_close_matches(path, sorted(names), n=2)
    return f" (it has {' and '.join(near)})" if near else ""


# ── answers ──────────────────────────────────────────────────────────────────────────────

Find = Callable[[Any, Sequence[str]], tuple[Child, ...] | None]
"""Finds the elements on a path through a type."""


def _place_answers(fit: Fit, kind: Any, connection: Connection) -> None:
    success = fit.shape.success
    said = connection.answered(fit.operation, success.name)
    wanted = [*fit.shape.answers, ERROR_CODE]
    if said == ANY_ANSWER:
        fit.any_answer = True
        if not fit.shape.answers:
            fit.problems.append(
                f'{success.name} = "{ANY_ANSWER}" is only for searches: for a write, an answer '
                "does not mean that anything was done"
            )
    elif said or not connection.codes_for_success(fit.operation) or _steps(kind, [success.path]):
        wanted.insert(0, success)
    else:  # an error code reports success
        wanted[-1] = evolve(ERROR_CODE, needed=True)
    _place(fit, wanted, kind, connection, _steps)
    if fit.any_answer:  # only the list shows that this is an answer, so it is required
        for one in fit.shape.answers:
            spot = fit.spots.get(one.name)
            if spot and spot.steps:
                first = evolve(spot.steps[0], optional=False, nillable=False)
                fit.spots[one.name] = evolve(spot, steps=(first, *spot.steps[1:]))


def _place(
    fit: Fit, wanted: Sequence[Answered], kind: Any, connection: Connection, find: Find
) -> None:
    used = set()
    for one in wanted:
        said = connection.answered(fit.operation, one.name) or one.path
        itself = said.removeprefix(NOT) == ITSELF
        path = said.removeprefix(NOT).split(".")
        if one.kind is Kind.LIST:
            steps = () if itself else _list(kind, path, one, find)
        elif itself and simple(kind) is not None:
            steps = ()
        else:
            steps = find(kind, path)
        if steps is None:
            near = _meant(".".join(path), _paths(kind))
            bare = f', or "{ITSELF}" if it is the answer itself' * (simple(kind) is not None)
            _lacks(fit, one, f"does not return {'.'.join(path)}{near}", connection, bare)
            continue
        used |= {step.name for step in steps[:2]}
        if one.kind is Kind.LIST:
            fit.spots[one.name] = Spot(one, steps)
            _place(fit, one.inside, steps[-1].type if steps else kind, connection, along)
        else:
            text = steps[-1].simple if steps else simple(kind)
            _place_leaf(fit, one, steps, text, connection)
    outer = _wrapped(kind)
    seen = [*children(kind), *(children(outer.type) if outer and outer.name in used else ())]
    fit.unused += [name for name in seen if name not in used | NOT_USED]


def _place_leaf(
    fit: Fit, one: Answered, steps: tuple[Child, ...], text: Any, connection: Connection
) -> None:
    said = connection.answered(fit.operation, one.name) or one.path
    contrary, path = said.startswith(NOT), said.removeprefix(NOT)
    written = connection.example(fit.operation, one.name)
    read = None if any(s.several for s in steps) else reader(one.kind, text, written)
    if read is None:
        how = ""
        if one.kind is Kind.FLAG and text is not None:
            how = f', or say under [written.{fit.operation}] how: {one.name} = "Y/N"'
        says = f"returns {path}, but it is not {one.kind.value}"
        _lacks(fit, one, says, connection, how)
    elif contrary and one.kind is not Kind.FLAG:
        _lacks(fit, one, f"returns {path}; only a flag can be negated", connection)
    else:
        fit.spots[one.name] = Spot(one, steps, read, contrary)
        if only_text(one.kind, text) and not written:
            example = "1,234.56" if one.kind is Kind.MONEY else "2026-01-31"
            fit.notes.append(
                f"returns {path} as text, which is expected to look like {example}; if the "
                f"format differs, specify it under [written.{fit.operation}]"
            )


def _list(kind: Any, path: Sequence[str], one: Answered, find: Find) -> tuple[Child, ...] | None:
    """Return the path to the items of a list, which can be inside an array of only those items."""
    tried = [path] if list(path) != one.path.split(".") else [path, path[:-1]]
    for way in tried:
        steps = find(kind, way) if way else None
        if not steps or not steps[-1].complex:
            continue
        inside = [child for child in children(steps[-1].type).values() if not child.attribute]
        if steps[-1].several:
            found = steps
        elif len(inside) == 1 and inside[0].several and inside[0].complex:
            found = (*steps, inside[0])
        else:
            found = steps if way is path else ()
        if found and not any(step.several for step in found[:-1]):
            return found
    return None


def _paths(kind: Any) -> Iterator[tuple[str, ...]]:
    """Yield the fields of a type, named as in a connection."""
    outer = _wrapped(kind)
    for name in (*children(kind), *(children(outer.type) if outer else ())):
        yield (name,)


def _lacks(fit: Fit, one: Answered, says: str, connection: Connection, how: str = "") -> None:
    where = f"[answer.{fit.operation}]"
    asked_for = one.name in connection.answer.get(fit.operation, {})
    if not one.needed and not asked_for:
        fit.notes.append(f"{says}; works without {one.name}{how}")
        return
    if one is fit.shape.success:
        how += f", or under [codes.{fit.operation}] which ErrorCode means done"
        if fit.shape.answers:
            how += f', or that {one.name} = "{ANY_ANSWER}"'
    fit.problems.append(f"{says}; say under {where} where {one.name} is{how}")
