"""Makes a race happen each time, for classes that are broken on purpose."""

import threading

from paperless_ivr.testing.contracts.checking import AT_ONCE, PATIENCE

_looking = threading.Barrier(AT_ONCE, timeout=PATIENCE)


def all_have_looked() -> None:
    """Wait until the other threads of a check that does something at once have looked, too.

    A check that does one thing after the other, in the main thread, has no others.
    """
    if threading.current_thread() is not threading.main_thread():
        _looking.wait()
