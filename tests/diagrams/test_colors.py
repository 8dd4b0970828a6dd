"""Colors are legible, and can be distinguished by people with any kind of color vision."""

import itertools

import pytest

from paperless_ivr.diagrams.theme import FILLS
from paperless_ivr.flow.states import EndingGroup

pytestmark = pytest.mark.requirement("R55")

Color = tuple[float, float, float]

ENDINGS = [outcome.name.lower() for outcome in EndingGroup if outcome is not EndingGroup.NO]
ON = {
    "paper": ("ink", "soft", "usual"),
    "card": ("ink", "soft", "usual", "tagt"),
    "ask": ("askt", "asks"),
    "do": ("dot", "dos"),
    "pas": ("past", "pass"),
    "no": ("not",),
    **{fill: (f"{fill}t",) for fill in ("tag", *ENDINGS, "cap", "hot")},
}
"""The texts that appear on each fill."""

MATRICES = {
    "protanopia": ((0.1121, 0.8853, -0.0005), (0.1127, 0.8897, -0.0001), (0.0045, 0.0, 1.0019)),
    "deuteranopia": ((0.2920, 0.7054, -0.0003), (0.2934, 0.7089, 0.0), (-0.0209, 0.0256, 1.0)),
    "tritanopia": ((1.0160, 0.1355, -0.1488), (-0.0154, 0.8683, 0.1448), (0.1002, 0.8168, 0.1169)),
}
"""Linear RGB as people with each color blindness see it (Viénot 1999, Brettel 1997)."""

BOTH = pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])


def linear(color: str) -> Color:
    """Return a color in linear RGB."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))

    def one(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return one(red), one(green), one(blue)


def brightness(color: str) -> float:
    """Return the relative luminance (WCAG)."""
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lab(color: Color) -> Color:
    """Return a linear RGB color in CIELAB (D65)."""
    red, green, blue = (min(max(value, 0.0), 1.0) for value in color)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089

    def f(value: float) -> float:
        return value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116

    return 116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))


def seen(color: str, blindness: str) -> Color:
    """Return a color as it is seen."""
    rgb = linear(color)
    first, second, third = (
        sum(weight * value for weight, value in zip(row, rgb, strict=True))
        for row in MATRICES[blindness]
    )
    return lab((first, second, third))


@BOTH
def test_contrast(theme: int) -> None:
    """Each text has at least 4.5:1 on its fill (WCAG AA)."""
    for fill, texts in ON.items():
        for text in texts:
            low, high = sorted((brightness(FILLS[fill][theme]), brightness(FILLS[text][theme])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {fill}"


@BOTH
@pytest.mark.parametrize("blindness", MATRICES)
def test_kinds_differ(theme: int, blindness: str) -> None:
    """Kinds of endings and of cards differ by at least ΔE 15 with any kind of color vision."""
    for kinds in (["no", *ENDINGS], ["ask", "do", "pas"]):
        for one, other in itertools.combinations(kinds, 2):
            a, b = (seen(FILLS[kind][theme], blindness) for kind in (one, other))
            distance = sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) ** 0.5
            assert distance >= 15, f"{one} and {other}"
