"""Assertions for contract checks. They work under `python -O`, and need no test runner."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from paperless_ivr.errors import Problems, Rejected

Make = TypeVar("Make")
Value = TypeVar("Value")

AT_ONCE = 8
"""The number of threads that `at_once` runs."""
PATIENCE = 30.0
"""The maximum time to wait for a thread, in seconds."""


def run(checks: Iterable[Callable[[Make], None]], make: Make) -> None:
    """Run all checks, and raise one error that lists the promises of the checks that failed.

    A check's promise is the first line of its docstring.
    """
    done = 0
    broken: list[str] = []
    cause: Exception | None = None
    for check in checks:
        done += 1
        promise = (check.__doc__ or check.__name__).partition("\n")[0]
        try:
            check(make)
        except AssertionError as error:
            broken.append(f"{promise} But {error}")
        except Exception as error:  # noqa: BLE001 - any exception breaks the promise
            broken.append(f"{promise} But it raised {type(error).__name__}. {_told(error)}")
            cause = error
    if broken:
        message = f"{len(broken)} of {done} promises are broken:\n"
        raise AssertionError(message + "\n".join(f"  - {line}" for line in broken)) from cause


def _told(error: Exception) -> str:
    """Return the location of an error and, if it is one of our own types, its message.

    Messages of those types contain no personal data.
    """
    last = extract_tb(error.__traceback__)[-1]
    words = f" {error}" if isinstance(error, Problems | Rejected) else ""
    return f"{Path(last.filename).name}, line {last.lineno}.{words}"


def same(what: str, expected: object, got: object) -> None:
    """Assert that two values are equal. Secrets are redacted in the error message."""
    if expected != got:
        message = f"{what} is {got!r}, not {expected!r}."
        raise AssertionError(message)


def holds(what: str, held: bool) -> None:
    """Assert that a statement is true. Its text, `what`, must begin with "that"."""
    if not held:
        message = f"it is not true {what}."
        raise AssertionError(message)


def raises(what: str, fault: type[Exception], act: Callable[[], object]) -> None:
    """Assert that calling `act` raises the given type of error."""
    try:
        act()
    except fault:
        return
    message = f"{what} does not raise {fault.__name__}."
    raise AssertionError(message)


def at_once(act: Callable[[int], Value]) -> list[Value]:
    """Call `act` in several threads at the same time, and return the results."""
    got: list[Value] = []
    faults: list[Exception] = []
    ready = threading.Barrier(AT_ONCE, timeout=PATIENCE)

    def work(number: int) -> None:
        try:
            ready.wait()
            got.append(act(number))
        except Exception as error:  # noqa: BLE001 - re-raised below
            faults.append(error)

    threads = [
        threading.Thread(target=work, args=(number,), daemon=True) for number in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for fault in faults:
        raise fault
    same("the number of threads that got an answer", AT_ONCE, len(got))
    return got
