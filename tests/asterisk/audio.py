"""Compares what was heard with what should have been: G.711 µ-law, frame by frame.

Recordings of phrases are noise: it takes a fraction of the time that speech takes, and no two
recordings are alike.
"""

import random
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paperless_ivr.prompts.recorded import LIST, Phrase, table

FRAME = 160
"""Samples in one packet: 20 ms. Asterisk reads a file in such frames, from its beginning."""


def _linear(code: int) -> int:
    """Return a µ-law code as a sample (ITU-T G.711, table 2a)."""
    code = ~code & 0xFF
    sample = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - sample if code & 0x80 else sample - 0x84


LINEAR = np.array([_linear(code) for code in range(256)])
QUIET = bytes(code for code in range(256) if abs(LINEAR[code]) < 250)
"""Codes that are too quiet to hear."""


def loud(payload: bytes) -> bool:
    """Return whether a packet can be heard."""
    return bool(payload.translate(None, QUIET))


def decoded(packets: Sequence[bytes]) -> NDArray[np.int_]:
    """Return the samples of packets, one frame for each; a shorter packet ends in silence."""
    codes = b"".join(packet.ljust(FRAME, b"\xff") for packet in packets)
    return LINEAR[np.frombuffer(codes, np.uint8).reshape(-1, FRAME)]


def record(phrases: Sequence[Phrase], folder: Path) -> None:
    """Record phrases as noise. More words make a longer recording."""
    for phrase in phrases:
        noise(folder / f"{phrase.file}.wav", 10 + len(phrase.text) // 5)
    (folder / LIST).write_text(table(phrases), encoding="utf-8", newline="")


def noise(file: Path, frames: int) -> None:
    """Write this many frames of noise, determined by the file's name and folder."""
    loud = random.Random("/".join(file.parts[-2:])).randbytes(FRAME * frames)
    samples = 50 * np.frombuffer(loud, np.int8).astype("<i2")
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, len(samples), "NONE", ""))
        sound.writeframes(samples.tobytes())


def frames(file: Path) -> NDArray[np.int_]:
    """Return the samples of an 8 kHz file, frame by frame."""
    with wave.open(str(file)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(int)
    return np.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME)


def alike(one: NDArray[np.int_], other: NDArray[np.int_]) -> float:
    """Return the correlation of two sequences of frames: 1 if they are the same."""
    both = min(len(one), len(other))
    a, b = one[:both].ravel(), other[:both].ravel()
    power = float(a @ a) * float(b @ b)
    return float(a @ b) / power**0.5 if power else 0.0


def place(wanted: NDArray[np.int_], heard: NDArray[np.int_], start: int) -> tuple[int, float]:
    """Return where a file was heard from `start` on, and how well; -1 if it was not.

    Searches for its first audible frames.
    """
    first = next((n for n, frame in enumerate(wanted) if np.abs(frame).max() > 1000), 0)
    sample = wanted[first : first + 8]
    begins = heard[start + first : max(0, len(heard) - len(sample) + 1)]
    for at in start + np.flatnonzero(np.abs(begins).max(axis=1) > 500):
        begin = at + first
        if alike(sample[:1], heard[begin : begin + 1]) < 0.5:
            continue
        if alike(sample, heard[begin : begin + 8]) > 0.9:
            return int(at), alike(wanted, heard[at : at + len(wanted)])
    return -1, 0.0
