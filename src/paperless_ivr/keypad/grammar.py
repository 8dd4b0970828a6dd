"""The grammar of e-mail addresses: their parts, and which parts can follow each other.

Each kind of part has a letter:

    F N L M   the holder's first name, nickname, last name, and middle name
    f l m     the initials of F, L, and M; if the holder is unknown, l is any letter after a name
    p q k     the beginning of F, the beginning of L, and the consonants of either
    X Y W     any other first name, any other last name, and a word
    1 C       any single letter, and letters that are not a known word
    O         the local part of the address on file, or a part of it
    D S       digits, and a symbol
    T         a dot and the top-level domain after it

The shares are set by hand, in round numbers, from common patterns. Two patterns were added because
real addresses use them and an earlier version missed them (docs/how-to/key-an-email-address.md). In
a row, `^` is the beginning, `$` is the end, and `FS` is a symbol after an F.
"""

from collections.abc import Mapping
from math import log

RARE = 0.002
"""The share of a kind in `ALWAYS` if a row does not name it. It keeps every address possible."""

ALWAYS = "C1DS$"
"""The kinds that every row allows. Any address can be built from them."""

_PARTS = """
    F N X   S .4 $ .25 L .2 D .1 l .04 C .01 Y .01 m .02 M .02 q .02
    FS NS XS  L .85 l .04 1 .04 m .03 M .02 C .02 Y .01
    f       L .75 S .1 m .05 1 .05 l .03 q .05 D .01
    fS      L .9 l .05 C .05
    L Y q   $ .72 D .13 S .06 F .03 f .05 p .01
    LS YS   F .7 f .15 C .1 D .05 L .03
    C       $ .6 D .15 S .12 W .08 1 .05
    CS      C .5 Y .2 D .1 W .1 L .1
    W       $ .35 W .3 D .15 S .1 C .1
    WS      W .5 C .3 D .1 L .05 X .05
    D       $ .9 C .04 S .04 L .01 W .01
    DS      C .5 L .2 W .2 D .1
    1       L .3 Y .25 S .1 1 .1 $ .1 C .1 D .05
    1S      L .6 Y .2 C .2
    l       $ .5 D .3 S .1 L .05 C .05
    p       $ .35 L .2 q .2 D .15 S .05 l .05
    m M k   $ .4 L .3 D .15 l .1 S .05
    lS mS MS pS kS qS  L .6 C .2 Y .1 D .1
    O       $ .8 D .1 S .05 C .05
    OS      C .5 L .2 D .2 W .1
"""

_WITH_HOLDER = """
    ^  F .45 f .2 L .08 C .08 W .05 p .04 N .03 X .02 1 .02 Y .01 q .01 k .01
"""

_WITHOUT_HOLDER = """
    ^       X .4 1 .25 C .2 Y .08 W .07
    X       S .35 $ .25 Y .2 D .1 C .05 l .03 1 .02
    XS      Y .55 C .4 1 .05
    1       Y .55 C .25 1 .08 S .06 D .03 $ .03
    1S      Y .6 C .4
    Y       $ .75 D .12 X .07 S .06
    YS      X .6 C .3 1 .1
"""

_HOST = """
    ^       L .2 W .3 C .25 Y .1 F .05 X .03 f .05
    L Y     T .6 W .2 S .1 C .1
    F X f   L .5 Y .1 T .2 W .1 S .1
    W       T .5 W .3 S .1 C .1
    C       T .7 W .1 S .15 D .03 C .02
    D       T .6 C .2 S .2
    CS      W .4 C .4 L .1 Y .1
    l m M N p q k 1 O  T .4 L .3 C .3
    T       $ .99
"""

Row = Mapping[str, float]
"""The costs of the parts that can come next, by kind."""


def _rows(*tables: str) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for table in tables:
        for line in filter(str.strip, table.splitlines()):
            words = line.split()
            numbers = [at for at, word in enumerate(words) if word.startswith(".")]
            first = numbers[0] - 1
            shares = dict.fromkeys(ALWAYS, RARE)
            shares |= {words[at - 1]: float(words[at]) for at in numbers}
            row = {kind: -log(share / sum(shares.values())) for kind, share in shares.items()}
            rows |= dict.fromkeys(words[:first], row)
    return rows


LOCAL_OF_HOLDER = _rows(_PARTS, _WITH_HOLDER)
"""The rows of a local part if the holder's name is known."""
LOCAL = _rows(_PARTS, _WITHOUT_HOLDER)
"""The rows of a local part if no name is known."""
HOST = _rows(_HOST)
"""The rows of a host name."""

LOCAL_SIGNS = {".": 0.88, "_": 0.07, "-": 0.045, "+": 0.005}
"""The meanings of a star in a local part, and how common each is."""
HOST_SIGNS = {"-": 0.6, ".": 0.4}
"""The meanings of a star in a host name, before its top-level domain."""

TOP_LEVEL = {
    "com": 0.6,
    "net": 0.09,
    "org": 0.09,
    "edu": 0.05,
    "us": 0.02,
    "io": 0.015,
    "gov": 0.01,
    "info": 0.01,
    "biz": 0.01,
    "co": 0.01,
    "me": 0.01,
    "ca": 0.01,
    "de": 0.01,
    "co.uk": 0.01,
    "dev": 0.008,
    "fr": 0.005,
    "es": 0.004,
    "com.mx": 0.004,
    "com.au": 0.004,
    "mx": 0.003,
    "com.br": 0.003,
    "eu": 0.003,
    "mil": 0.003,
    "nl": 0.003,
    "ch": 0.003,
    "it": 0.003,
    "se": 0.003,
    "pl": 0.003,
    "ru": 0.003,
    "uk": 0.002,
    "jp": 0.002,
    "in": 0.002,
    "org.uk": 0.002,
}
"""Top-level domains that a US biller usually sees, and their shares. Others are possible."""

_SIZES = {1: 0.2, 2: 0.42, 3: 0.12, 4: 0.2}
"""The share of numbers with this many digits. Longer numbers are rare."""
_BIRTHS = range(1940, 2013)
_USUAL = ("123", "007", "101", "111", "777", "321", "420")


def cost_of_digits(digits: str) -> float:
    """Return the cost of a number in a local part. Years are more common than other numbers."""
    size = len(digits)
    share = 0.1**size
    if size == 2:
        year = int(digits) >= 40 or int(digits) <= 12
        share = 0.6 * year / 73 + 0.4 * share
    elif size == 3:
        share = 0.3 * (digits in _USUAL) / len(_USUAL) + 0.7 * share
    elif size == 4:
        share = 0.75 * (int(digits) in _BIRTHS) / len(_BIRTHS) + 0.25 * share
    return -log(_SIZES.get(size, 0.06 * 0.5 ** (size - 4)) * share)
