"""A view of zeep's types, for finding and reading the fields of a service."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from attrs import frozen
from zeep.xsd import Attribute, ComplexType, Element
from zeep.xsd.elements.indicators import Choice, Group, OrderIndicator
from zeep.xsd.types.any import AnyType
from zeep.xsd.types.builtins import Boolean, Date, DateTime, Double, Float, Integer
from zeep.xsd.types.builtins import Decimal as XsdDecimal
from zeep.xsd.types.simple import AnySimpleType

from paperless_ivr.backends.soap.shapes import Kind
from paperless_ivr.backends.written import (
    FlagWords,
    Unreadable,
    read_amount,
    read_date,
    within_reason,
)

TRUTH = {"true": True, "1": True, "false": False, "0": False}
"""The values of a boolean in XML Schema."""

SPACE = " \t\r\n"
"""The only white space that XML Schema removes around a number or a boolean."""
INTEGER = re.compile(r"[+-]?\d{1,100}", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
FLOAT = re.compile(rf"{DECIMAL.pattern}([eE][+-]?\d{{1,3}})?", re.ASCII)
"""The format of numbers in XML Schema (part 2, 3.2.3 to 3.2.5 and 3.3.13)."""

CONTENT = "_value_1"
"""zeep's name for the text of an element that also has attributes."""


ITEM = "item"
"""The name of an array's items in SOAP's own encoding, if the schema gives none."""


def simple(kind: Any) -> Any:
    """Return the type of an element's text, or None if it contains other elements."""
    if isinstance(kind, AnySimpleType) or type(kind) is AnyType:
        return kind
    if isinstance(kind, ComplexType):
        inside = kind.elements
        if [name for name, _ in inside] == [CONTENT] and isinstance(inside[0][1], Element):
            return inside[0][1].type
    return None


@frozen
class Child:
    """An element inside another element, or an attribute of one."""

    name: str
    tag: str
    """Its name with its namespace, as in lxml, or `*` if any name is allowed."""
    type: Any
    several: bool
    optional: bool
    nillable: bool
    attribute: bool = False

    @property
    def simple(self) -> Any:
        """The type of its text, or None if it contains elements."""
        return simple(self.type)

    @property
    def complex(self) -> bool:
        """Whether it contains elements."""
        return isinstance(self.type, ComplexType) and self.simple is None


def children(kind: Any) -> dict[str, Child]:
    """Return a type's elements and attributes by name, omitting elements with the same name."""
    found: dict[str, Child] = {}
    twice = set()
    if isinstance(kind, ComplexType):
        elements = [*_inside([part for _, part in kind.elements_nested], False, False)]
        array = kind._array_type  # SOAP 1.1, 5.4.2: items can have any name
        if array is not None and not elements:
            elements = [Child(ITEM, "*", array.array_type, True, True, True)]
        for child in elements:
            if child.name in found:
                twice.add(child.name)
            found[child.name] = child
        for child in _attributes(kind):
            found.setdefault(child.name, child)
    return {name: child for name, child in found.items() if name not in twice}


def _attributes(kind: ComplexType) -> Iterator[Child]:
    """Yield a type's own attributes, but none in a namespace, because those are meant for tools."""
    for _, part in kind.attributes:
        if isinstance(part, Attribute) and part.qname.namespace is None:
            optional = not part.required or part.default is not None
            name = part.qname.localname
            yield Child(name, name, part.type, False, optional, False, attribute=True)


def _inside(parts: Sequence[Any], several: bool, optional: bool) -> Iterator[Child]:
    for part in parts:
        many = several or part.accepts_multiple
        may = optional or part.is_optional
        if isinstance(part, Element):
            yield Child(str(part.name), part.qname.text, part.type, many, may, part.nillable)
        elif isinstance(part, Group):
            yield from _inside([part.child], many, may)
        elif isinstance(part, OrderIndicator):
            yield from _inside(list(part), many, may or isinstance(part, Choice))


def along(kind: Any, path: Sequence[str]) -> tuple[Child, ...] | None:
    """Return the elements on a path through a type, or None if it leads nowhere."""
    found = []
    for name in path:
        child = children(kind).get(name)
        if child is None:
            return None
        found.append(child)
        kind = child.type
    return tuple(found)


# ── reading texts ────────────────────────────────────────────────────────────────────────

Reader = Callable[[str], Any]
"""A function that returns the value of a text. Raises `Unreadable` if it is not valid.

Some readers return None for a blank text, and others raise.
"""


def reader(kind: Kind, simple: Any, written: str | None) -> Reader | None:
    """Return a reader for a kind of field with a simple type, or None if it cannot be read."""
    if simple is None or kind is Kind.LIST:
        return None
    if kind is Kind.FLAG:
        if written:
            return FlagWords.of(written).read
        return _flag if isinstance(simple, Boolean) else None
    if kind is Kind.TEXT:
        return _whole_number if isinstance(simple, Integer) else _text
    if kind is Kind.MONEY:
        if written:
            return partial(read_amount, written=written)
        if isinstance(simple, XsdDecimal):
            return partial(_number, form=DECIMAL)
        return partial(_number, form=FLOAT) if isinstance(simple, Float | Double) else read_amount
    return partial(read_date, written=written) if written else read_date


def only_text(kind: Kind, simple: Any) -> bool:
    """Return whether the type of an amount or a date leaves its format open."""
    known = {Kind.MONEY: (XsdDecimal, Float, Double), Kind.DAY: (DateTime, Date)}
    return kind in known and not isinstance(simple, known[kind])


def _flag(text: str) -> bool:
    if text.strip(SPACE) not in TRUTH:
        raise Unreadable
    return TRUTH[text.strip(SPACE)]


def _text(text: str) -> str | None:
    return text.strip() or None


def _whole_number(text: str) -> str:
    """Return a whole number in its simplest form: `+0402` and `402` are the same."""
    if not INTEGER.fullmatch(text.strip(SPACE)):
        raise Unreadable
    return str(int(text.strip(SPACE)))


def _number(text: str, form: re.Pattern[str]) -> Decimal:
    if not form.fullmatch(text.strip(SPACE)):
        raise Unreadable
    return within_reason(Decimal(text.strip(SPACE)))
