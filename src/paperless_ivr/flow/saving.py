"""Conversion of calls and other saved values to bytes and back, to store them between turns.

The format is JSON: enums by name, secrets as `EMAIL:pat@example.com`, amounts and dates as text,
and slots and writes with the name of their class. Fields with their default value are left out.
Reading is strict: nothing is converted, guessed, or skipped. A name that has changed in the code is
still saved in its original form (`SAVED_AS`).
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
"""The version of the format.

It changes if a field, its meaning, its default, or the saved name of an enum member changes.
"""

SAVED_AS = {
    "AGENT": "PERSON",
    "AGENT_OFFER": "PERSON_OFFER",
    "ENROLL": "ENROL",
    "HOST_CANCELED": "HOST_CANCELLED",
    "OTHER_RELEASE": "OTHER_EDITION",
    "Spelled": "Spelt",
}
"""Names of enum members and slots that have changed in the code, each with its saved form."""
_IN_CODE = {saved: name for name, saved in SAVED_AS.items()}


@attrs.frozen
class _Document:
    """The document that is saved: the version of the format, then the call."""

    schema: int
    call: Call


def dump(call: Call) -> bytes:
    """Return a call as bytes. The same call always gives the same bytes.

    The bytes CONTAIN PERSONAL DATA that a live call needs, such as numbers, addresses, and names.
    Keep them where strangers can neither read nor write them, never log them, and delete them when
    the call ends.
    """
    return dump_value(_Document(SCHEMA, call))


def load(data: bytes) -> Call:
    """Return a saved call.

    Raises `OtherSchema` for another version of the format, and `BrokenCall` for anything else that
    is not a saved call. The error names the field but does not include its content.
    """
    return load_value(data, _Document, SCHEMA).call


def dump_value(value: Any) -> bytes:
    """Return a frozen value as bytes, in the format of a saved call."""
    document = _CONVERTER.unstructure(value)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def load_value(data: bytes, kind: type[T], schema: int) -> T:
    """Return a value that `dump_value` wrote. Raises the same errors as `load`.

    The class of the value must have a `schema` field.
    """
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
    raise BrokenCall(where)  # outside `except`, because the caught error contains the content


def mentions(data: bytes, secret: Secret) -> bool:
    """Whether bytes from `dump_value`, in any version of the format, contain a secret.

    Case is ignored, because it does not matter in e-mail addresses.
    """
    written = json.dumps(_as_text(secret), ensure_ascii=False)
    return written.casefold() in data.decode("utf-8", "surrogatepass").casefold()


def _first_place(error: Exception) -> str:
    """Return the path to the first error, such as `$.call.host.ani`, or `$` for the root."""
    places = transform_error(error, format_exception=lambda _error, _kind: "")
    return places[0].removeprefix(" @ ")


def _exactly(value: Any, kind: type[T]) -> T:
    """Return a value of exactly this class. A Boolean is not accepted as a number."""
    if type(value) is not kind:
        raise TypeError
    return value


def _as_written(text: Any, read: Callable[[str], T]) -> T:
    """Read a value from text. Raises ValueError unless `str(value)` gives the same text."""
    value = read(_exactly(text, str))
    if str(value) != text:
        raise ValueError
    return value


def _as_text(secret: Secret) -> str:
    return f"{secret.kind.name}:{secret.reveal()}"


def _member(saved: Any, kind: type[E]) -> E:
    """Return the enum member that is saved under this name."""
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
    for kind in (
        enum.Enum,
        enum.IntEnum,
        enum.StrEnum,
    ):  # the hook of the nearest base class is used
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
