"""A call as bytes, and back: what a store keeps between two turns. Other values of a call too.

The form is JSON: enums by name, secrets as `EMAIL:pat@example.com`, amounts and days as text,
slots under the name of their class. Fields that have their default are left out. What is read
has to be what `dump` writes: nothing is converted, guessed or skipped. A name that has been changed
in code is still saved as it was first written (`SAVED_AS`).
"""

import enum
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from types import GenericAlias
from typing import Any, TypeVar, get_args

import attrs
from cattrs import BaseValidationError, transform_error
from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from paperless_ivr.errors import BrokenCall, OtherSchema
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.requests import Write
from paperless_ivr.flow.slots import Slot
from paperless_ivr.secret import Kind, Secret

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)

SCHEMA = 4
"""The form. Another one when a field, its meaning or its default, or an enum's name changes."""

SAVED_AS = {
    "AGENT": "PERSON",
    "AGENT_OFFER": "PERSON_OFFER",
    "ENROLL": "ENROL",
    "HOST_CANCELED": "HOST_CANCELLED",
    "OTHER_RELEASE": "OTHER_EDITION",
    "Spelled": "Spelt",
}
"""Names of enum members and of slots in code, and as they are saved."""
_IN_CODE = {saved: name for name, saved in SAVED_AS.items()}


@attrs.frozen
class _Document:
    """What is saved: the number of the form, then the call."""

    schema: int
    call: Call


def dump(call: Call) -> bytes:
    """A call as bytes; the same call is always the same bytes.

    What is personal is IN them, as a live call needs it: numbers, addresses, names. Keep them
    where a stranger cannot read or write them, log them never, drop them when the call ends.
    """
    return dump_value(_Document(SCHEMA, call))


def load(data: bytes) -> Call:
    """The call that was saved.

    Raises `OtherSchema` for another form, and `BrokenCall` for whatever else `dump` never
    writes; it names the field, never what stood there.
    """
    return load_value(data, _Document, SCHEMA).call


def dump_value(value: Any) -> bytes:
    """A frozen value as bytes, in the form of a saved call."""
    document = _CONVERTER.unstructure(value)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def load_value(data: bytes, kind: type[T], schema: int) -> T:
    """A value that `dump_value` wrote, of a class that has a field `schema`. Raises as `load`."""
    try:
        document = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        found = document.get("schema")
        if type(found) is int and found != schema:
            raise OtherSchema(found, schema)
    try:
        return _CONVERTER.structure(document, kind)
    except (BaseValidationError, TypeError) as error:
        where = _first_place(error)
    raise BrokenCall(where)  # out here: what was caught holds what stood there


def mentions(data: bytes, secret: Secret) -> bool:
    """Whether a value that `dump_value` wrote, of whatever form, holds a secret of that kind.

    Small and capital letters count as the same, as in e-mail addresses.
    """
    written = json.dumps(_as_text(secret), ensure_ascii=False)
    return written.casefold() in data.decode("utf-8", "surrogatepass").casefold()


def _first_place(error: Exception) -> str:
    """Where the first fault is, as `$.call.host.ani`; `$` where it is no document at all."""
    places = transform_error(error, format_exception=lambda _error, _kind: "")
    return places[0].removeprefix(" @ ")


def _exactly(value: Any, kind: type[T]) -> T:
    """A value of this very class: no number for a text, no truth for a number."""
    if type(value) is not kind:
        raise TypeError
    return value


def _as_written(text: Any, read: Callable[[str], T]) -> T:
    """What a text stands for, where it is the one text that `str` writes for it."""
    value = read(_exactly(text, str))
    if str(value) != text:
        raise ValueError
    return value


def _as_text(secret: Secret) -> str:
    return f"{secret.kind.name}:{secret.reveal()}"


def _member(saved: Any, kind: type[E]) -> E:
    """The member of an enum that is saved under a name, and under no other."""
    member = kind[_IN_CODE.get(_exactly(saved, str), saved)]
    if SAVED_AS.get(member.name, member.name) != saved:
        raise ValueError
    return member


def _secret(text: Any) -> Secret:
    kind, _, value = _exactly(text, str).partition(":")
    return Secret(value, Kind[kind])


def _make_converter() -> JsonConverter:
    converter = make_converter(forbid_extra_keys=True, omit_if_default=True)
    for plain in (str, int, bool):
        converter.register_structure_hook(plain, _exactly)
    for kind in (enum.Enum, enum.IntEnum, enum.StrEnum):  # the nearest base counts
        converter.register_unstructure_hook(
            kind, lambda member: SAVED_AS.get(member.name, member.name)
        )
        converter.register_structure_hook(kind, _member)
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda text, _: _as_written(text, Decimal))
    converter.register_unstructure_hook(date, str)
    converter.register_structure_hook(date, lambda text, _: _as_written(text, date.fromisoformat))
    converter.register_unstructure_hook(datetime, str)
    converter.register_structure_hook(
        datetime, lambda text, _: _as_written(text, datetime.fromisoformat)
    )
    converter.register_unstructure_hook(Secret, _as_text)
    converter.register_structure_hook(Secret, lambda text, _: _secret(text))

    @converter.register_structure_hook_factory(attrs.has)
    def _(kind: type[Any]) -> Callable[[Any, Any], Any]:
        read = converter.gen_structure_attrs_fromdict(kind)
        return lambda fields, _: read(_exactly(fields, dict), kind)

    @converter.register_structure_hook_factory(
        lambda kind: getattr(kind, "__origin__", None) is tuple
    )
    def _(kind: Any) -> Callable[[Any, Any], Any]:
        first, *rest = get_args(kind)
        if rest == [...]:
            several = GenericAlias(list, first)
            read = converter.get_structure_hook(several)
            return lambda items, _: tuple(read(_exactly(items, list), several))
        hooks = [(converter.get_structure_hook(part), part) for part in (first, *rest)]
        return lambda items, _: tuple(
            hook(item, part)
            for (hook, part), item in zip(hooks, _exactly(items, list), strict=True)
        )

    for union in (Slot, Write):
        configure_tagged_union(
            union,
            converter,
            tag_name="is",
            tag_generator=lambda kind: SAVED_AS.get(kind.__name__, kind.__name__),
        )
    return converter


_CONVERTER = _make_converter()
