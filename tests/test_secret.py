"""Secrets never show their text by accident."""

import copy
import inspect
import io
import json
import logging
import pickle
import pprint
import re
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import attrs
import cattrs
import pytest
import rich.console
import rich.pretty
import rich.traceback
import structlog
from cattrs.preconf.json import make_converter
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.vendor import pretty

from paperless_ivr import secret
from paperless_ivr.secret import Kind, Secret
from tests.counts import heavy

pytestmark = pytest.mark.requirement("R24")

TEXTS = st.text(max_size=30)
KINDS = st.sampled_from(Kind)
EMAILS = st.from_regex(r"[a-z0-9.+]{1,12}@[a-z0-9]{1,8}(\.[a-z]{2,5}){1,2}", fullmatch=True)
TELLING = "jane.roe7@biller.example"


def masked(text: str) -> str:
    """Return a text with the same shape that reveals nothing: only the domain's dots stay."""
    local, at, domain = text.rpartition("@")
    return "x" * len(local) + at + "".join("." if c == "." else "x" for c in domain)


@attrs.frozen
class Holder:
    """A value with a secret in it."""

    inner: Secret


@dataclass
class Data:
    """A value of a standard library dataclass with a secret in it."""

    inner: Secret


def printed(value: object) -> str:
    """Return what rich prints for a value."""
    console = rich.console.Console(file=io.StringIO(), width=200)
    console.print(value)
    return console.file.getvalue()


def traced(secret_local: Secret, way: structlog.types.ExceptionRenderer) -> str:
    """Return what a structured traceback shows for a frame with a secret among its locals."""
    holder = Holder(secret_local)
    try:
        raise ValueError(holder)
    except ValueError:
        out = io.StringIO()
        way(out, sys.exc_info())
        return re.sub("0x[0-9a-f]+", "", out.getvalue())


def with_locals(made: Secret) -> str:
    """Return what the standard library's traceback shows with the values of locals."""
    try:
        raise ValueError(made)
    except ValueError as error:
        return "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )


def as_records(out: io.StringIO, error: Any) -> None:
    """Write structlog's tracebacks for JSON lines, with locals."""
    out.write(json.dumps(structlog.tracebacks.ExceptionDictTransformer(show_locals=True)(error)))


def slots_of(made: Secret) -> str:
    """Return what a serializer finds that goes through attributes."""
    return str([(name, value) for name, value in inspect.getmembers(made) if not callable(value)])


SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": format,
    "f-string": lambda s: f"{s}",
    "f-string with repr": lambda s: f"{s!r}",
    "f-string with name": lambda s: f"{s=}",
    "f-string with width": lambda s: f"{s:>40}",
    "str.format": "{}".format,
    "percent s": lambda s: "%s" % s,  # noqa: UP031
    "percent r": lambda s: "%r" % s,  # noqa: UP031
    "list": lambda s: str([s]),
    "key": lambda s: str({s: s}),
    "attrs": lambda s: repr(Holder(s)),
    "error": lambda s: str(ValueError("bad", s)),
    "traceback": lambda s: "".join(traceback.format_exception(ValueError(s))),
    "join": lambda s: ", ".join(map(str, [s])),
    "attrs.asdict": lambda s: str(attrs.asdict(Holder(s))),
    "attrs.astuple": lambda s: str(attrs.astuple(Holder(s))),
    "cattrs": lambda s: str(cattrs.unstructure(Holder(s))),
    "cattrs for JSON": lambda s: str(make_converter().unstructure(Holder(s))),
    "dataclasses.asdict": lambda s: str(asdict(Data(s))),
    "dataclasses": lambda s: repr(Data(s)),
    "variables of a holder": lambda s: str(vars(Data(s))),
    "json with str": lambda s: json.dumps(attrs.asdict(Holder(s)), default=str),
    "attributes": slots_of,
    "pprint": lambda s: pprint.pformat(Holder(s)),
    "rich": lambda s: printed(Holder(s)),
    "rich pretty": lambda s: rich.pretty.pretty_repr({"a": Holder(s)}),
    "hypothesis": lambda s: pretty.pretty(Holder(s)),
    "traceback with locals": with_locals,
    "rich traceback": lambda s: traced(
        s, structlog.dev.RichTracebackFormatter(show_locals=True, width=200)
    ),
    "traceback as records": lambda s: traced(s, as_records),
}


def everywhere(made: Secret) -> dict[str, str]:
    """Return the output of each way of printing a secret."""
    return {way: show(made) for way, show in SHOWN.items()}


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(30, 100))
@given(TEXTS.map(lambda text: text.replace("@", "a")), KINDS)
def test_only_the_length_shows(text: str, kind: Kind) -> None:
    """Two secrets of the same kind and length look the same in everything that prints."""
    assert everywhere(Secret("x" * len(text), kind)) == everywhere(Secret(text, kind))


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(30, 100))
@given(st.one_of(EMAILS, st.text("a@.", max_size=10)))
def test_only_the_shape_of_an_email_shows(text: str) -> None:
    """Only the lengths of the parts of an e-mail address are visible."""
    assert everywhere(secret.email(masked(text))) == everywhere(secret.email(text))


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN.keys())
@pytest.mark.parametrize("kind", Kind)
def test_the_text_is_not_in_it(show: Callable[[Secret], str], kind: Kind) -> None:
    """Nothing that prints contains the text, or a meaningful part of it."""
    shown = show(Secret(TELLING, kind))

    assert [part for part in (TELLING, "jane", "roe", "biller", "example") if part in shown] == []


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (secret.keys("1"), "<keys:1>"),
        (secret.account("12345678"), "<account:8>"),
        (secret.customer("c-17"), "<customer:4>"),
        (secret.invoice("1001"), "<invoice:4>"),
        (secret.payment("00000000"), "<payment:8>"),
        (secret.email("janeroe@biller123.com"), "<email:7@9.3>"),
        (secret.email("no address"), "<email:10>"),
        (secret.phone("+12125550123"), "<phone:12>"),
        (secret.name("Jane Roe"), "<name:8>"),
        (secret.credential("s3cr3t"), "<credential:hidden>"),
    ],
)
def test_stand_ins(made: Secret, shown: str) -> None:
    """Each kind has a function that makes it, and a stand-in that names it."""
    assert shown == str(made)


@given(TEXTS, KINDS)
def test_reveal(text: str, kind: Kind) -> None:
    """The text is available on request; length and truth value are the text's."""
    made = Secret(text, kind)

    assert (text, len(text), bool(text)) == (made.reveal(), len(made), bool(made))


@given(TEXTS, TEXTS, KINDS, KINDS)
def test_equality_and_hash(one: str, other: str, kind: Kind, other_kind: Kind) -> None:
    """Secrets are equal, and hash alike, if their texts are equal. The kind does not count."""
    first, second = Secret(one, kind), Secret(other, other_kind)

    assert (one == other) == (first == second)
    assert hash(first) == hash(Secret(one, other_kind))
    assert len({first, second}) == len({one, other})


@given(TEXTS)
def test_no_secret_equals_its_text(text: str) -> None:
    """A secret is not a string, so a forgotten `reveal` cannot pass for an answer."""
    made: object = Secret(text)

    assert made != text
    assert not isinstance(made, str)


@given(TEXTS, KINDS)
def test_copies(text: str, kind: Kind) -> None:
    """A copy is the same secret, and shows no more."""
    made = Secret(text, kind)

    for again in (copy.copy(made), copy.deepcopy(made), copy.deepcopy(Holder(made)).inner):
        assert (made, made.kind, repr(made)) == (again, again.kind, repr(again))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(protocol: int) -> None:
    """A pickle would contain the text. The error says what to use instead."""
    for holds in (secret.email(TELLING), Holder(secret.email(TELLING))):
        with pytest.raises(TypeError, match=r"cannot be pickled.*flow\.saving"):
            pickle.dumps(holds, protocol)


def test_a_failing_test_does_not_show_it(tmp_path: Path) -> None:
    """Neither pytest's comparison nor its locals show a secret in a test."""
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent("""
        import attrs
        from hypothesis import given, strategies as st
        from paperless_ivr import secret

        @attrs.frozen
        class Holder:
            inner: secret.Secret

        MADE = secret.email("jane." + "roe7@biller.example")

        def test_compared():
            made = Holder(MADE)
            assert made == Holder(secret.email("x")), made

        @given(st.just(MADE), st.sampled_from([Holder(MADE)]))
        def test_drawn(made, holder):
            assert made is None
        """)
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-vv", "--showlocals", "-p", "no:cacheprovider"),
            *("--rootdir", str(tmp_path), str(tmp_path)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "2 failed" in ran.stdout
    assert "<email:9@6.7>" in ran.stdout
    shown = [part for part in (TELLING, "roe7@", "biller.ex") if part in after_source(ran.stdout)]
    assert shown == []


def after_source(output: str) -> str:
    """Return what pytest shows, without the lines of the test itself."""
    return "\n".join(line for line in output.splitlines() if 'secret.email("' not in line)


FAULTS: dict[str, Callable[[Any], object]] = {
    "pickle": lambda s: pickle.dumps((s, lambda: s)),
    "json": json.dumps,
    "order": lambda s: sorted([s, s]),
    "assign": lambda s: setattr(s, "kind", Kind.NAME),
    "add": lambda s: s + "x",
    "join": "".join,
    "number": int,
    "percent d": lambda s: "%d" % s,  # noqa: UP031
    "format d": lambda s: f"{s:d}",
    "item": lambda s: s[0],
    "lookup": lambda s: dict[Secret, str]()[s],
    "variables": vars,
    "state": lambda s: s.__getstate__(),
    "reduce": lambda s: s.__reduce__(),
    "delete": lambda s: delattr(s, "kind"),
    "another attribute": lambda s: setattr(s, "text", "x"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("kind", Kind)
def test_errors_do_not_show_it(fault: Callable[[Any], object], kind: Kind) -> None:
    """Errors about a secret say nothing about its text, including in the traceback."""
    with pytest.raises(Exception) as error:  # noqa: PT011
        fault(Secret(TELLING, kind))

    assert "jane" not in "".join(traceback.format_exception(error.value))


def test_logs_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    """A log line, its arguments, and a logged exception show the stand-in."""
    made = secret.email(TELLING)

    logger = logging.getLogger(__name__)
    logger.warning("to %s, that is %r", made, Holder(made))
    logger.error("failed for %s", {"email": made}, exc_info=ValueError(made))

    assert caplog.text.count("<email:9@6.7>") == 4
    assert "jane" not in caplog.text
