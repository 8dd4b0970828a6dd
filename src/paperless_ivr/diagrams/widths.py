"""The width of a text, which is the same in Helvetica, Arial, and Liberation Sans."""

from collections.abc import Iterator
from functools import lru_cache

REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 "
    "556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 "
    "722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 "
    "556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 "
    "260 334 584"
)
BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 "
    "556 556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 "
    "722 778 667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 "
    "556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 "
    "280 389 584"
)
TABLES = {False: tuple(map(int, REGULAR.split())), True: tuple(map(int, BOLD.split()))}
"""Character widths from the space to the tilde, in thousandths of the size, regular and bold."""

OTHERS = 600
"""The width of characters that are not in the tables."""


@lru_cache(10_000)  # the same texts are measured for every arrangement of the cards
def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text, in the same unit as its size."""
    table = TABLES[bold]
    codes = (ord(character) - 32 for character in text)
    return sum(table[c] if 0 <= c < len(table) else OTHERS for c in codes) * size / 1000


def wrapped(text: str, size: float, room: float, *, bold: bool = False) -> tuple[str, ...]:
    """Break a text into lines of a maximum width. A wider word gets its own line."""
    return tuple(_lines(text.split(), size, room, bold=bold))


def _lines(words: list[str], size: float, room: float, *, bold: bool) -> Iterator[str]:
    line = ""
    for word in words:
        longer = f"{line} {word}".strip()
        if line and width(longer, size, bold=bold) > room:
            yield line
            longer = word
        line = longer
    yield line
