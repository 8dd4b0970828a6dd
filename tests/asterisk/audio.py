"""Compares what was heard with what should have been: G.711 µ-law, frame by frame.

Recordings of phrases are noise, each different. Noise takes a fraction of the time that speech
takes, and no two recordings are alike.
"""

import array
import random
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

from paperless_ivr.prompts.recorded import LIST, Phrase, table

FRAME = 160
"""Samples in one packet: 20 ms. Asterisk reads a file in such frames, from its beginning."""


def _linear(code: int) -> int:
    """Return a µ-law code as a sample (ITU-T G.711, table 2a)."""
    code = ~code & 0xFF
    sample = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - sample if code & 0x80 else sample - 0x84


LINEAR = [_linear(code) for code in range(256)]
QUIET = bytes(code for code in range(256) if abs(LINEAR[code]) < 250)
"""Codes that are too quiet to hear."""


def loud(payload: bytes) -> bool:
    """Tell whether a packet can be heard."""
    return bool(payload.translate(None, QUIET))


def decoded(payload: bytes) -> list[int]:
    """Return the samples of a packet."""
    return [LINEAR[code] for code in payload]


def record(phrases: Sequence[Phrase], folder: Path) -> None:
    """Record phrases as noise. More words make a longer recording."""
    for phrase in phrases:
        noise(folder / f"{phrase.file}.wav", 10 + len(phrase.text) // 5)
    (folder / LIST).write_text(table(phrases), encoding="utf-8", newline="")


def noise(file: Path, frames: int) -> None:
    """Write this many frames of noise, determined by the file's name and folder."""
    loud = array.array("b", random.Random("/".join(file.parts[-2:])).randbytes(FRAME * frames))
    samples = array.array("h", (50 * sample for sample in loud))
    if sys.byteorder == "big":
        samples.byteswap()
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, len(samples), "NONE", ""))
        sound.writeframes(samples.tobytes())


def frames(file: Path) -> list[list[int]]:
    """Return the samples of an 8 kHz file, frame by frame."""
    with wave.open(str(file)) as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    padded = [*samples, *[0] * (-len(samples) % FRAME)]
    return [padded[start : start + FRAME] for start in range(0, len(padded), FRAME)]


def alike(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> float:
    """Return the correlation of two sequences of frames: 1 if they are the same."""
    dot = power = other_power = 0.0
    for a, b in zip(one, other, strict=False):
        dot += sum(x * y for x, y in zip(a, b, strict=True))
        power += sum(x * x for x in a)
        other_power += sum(y * y for y in b)
    return dot / (power * other_power) ** 0.5 if power and other_power else 0.0


def place(wanted: list[list[int]], heard: list[list[int]], start: int) -> tuple[int, float]:
    """Return where a file was heard from `start` on, and how well; -1 if it was not.

    Searches for its first audible frames.
    """
    first = next((n for n, frame in enumerate(wanted) if max(map(abs, frame)) > 1000), 0)
    sample = wanted[first : first + 8]
    for at in range(start, len(heard) - first - len(sample) + 1):
        begin = at + first
        if max(map(abs, heard[begin])) <= 500 or alike(sample[:1], heard[begin : begin + 1]) < 0.5:
            continue
        if alike(sample, heard[begin : begin + 8]) > 0.9:
            return at, alike(wanted, heard[at : at + len(wanted)])
    return -1, 0.0
