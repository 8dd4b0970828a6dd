"""Phrases rendered to 8 kHz files by espeak-ng, so that what is to be played exists.

A voice studio's recordings sound better, and take the same places.
"""

import array
import io
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from math import cos, pi, sin
from operator import mul
from pathlib import Path

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.prompts.recorded import LIST, Phrase, Recordings, listed, table

PROGRAM = "espeak-ng"
NO_PROGRAM = (
    "its program `espeak-ng` is not on the PATH. Install it "
    "(Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng)"
)
RATE = 8000
"""Samples a second of a telephone line (ITU-T G.711)."""
WORDS_A_MINUTE = 150
"""The pace that the wording is measured by; espeak-ng's own is 175."""
TAPS = 32
"""Samples that one sample is made of."""
VOICES = {"en-US": "en-us", "es-US": "es-419"}
"""Voices of espeak-ng by language; others are asked for by their tag."""


def render(wanted: Sequence[Phrase], folder: Path, told: Callable[[str], None]) -> int:
    """Renders the phrases that no file in the folder says, and writes the folder's list.

    Files that say the right words are left as they are: they may be a studio's. Gives how many
    were rendered; tells the name of each.
    """
    if shutil.which(PROGRAM) is None:
        raise GatewayProblems("nothing can be rendered", [NO_PROGRAM])
    lacking = Recordings.read(folder).missing(wanted)
    for phrase in lacking:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_spoken(phrase))
        told(phrase.file)
    languages = {phrase.language for phrase in wanted}
    others = [phrase for phrase in listed(folder) if phrase.language not in languages]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIST).write_text(table([*wanted, *others]), encoding="utf-8", newline="")
    return len(lacking)


def _spoken(phrase: Phrase) -> bytes:
    """A phrase as a WAV file of 16-bit samples."""
    voice = VOICES.get(phrase.language, phrase.language.lower())
    done = subprocess.run(  # noqa: S603 - the words are an argument, never a command
        [PROGRAM, "-v", voice, "-s", str(WORDS_A_MINUTE), "--stdout", "--", phrase.text],
        capture_output=True,
        check=False,
    )
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()
        raise GatewayProblems("espeak-ng failed", [f"{phrase.file}: {said}"])
    rate, samples = _samples(done.stdout)
    return _wav(resampled(samples, rate))


def _samples(data: bytes) -> tuple[int, "array.array[int]"]:
    """The rate and the samples of a WAV file; espeak-ng writes no length where it streams."""
    with wave.open(io.BytesIO(data)) as sound:
        samples = array.array("h", sound.readframes(len(data) // 2))
        if sys.byteorder == "big":
            samples.byteswap()
        return sound.getframerate(), samples


def _wav(samples: Sequence[int]) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        packed = array.array("h", samples)
        if sys.byteorder == "big":
            packed.byteswap()
        sound.writeframes(packed.tobytes())
    return out.getvalue()


def resampled(samples: Sequence[int], rate: int) -> list[int]:
    """Samples at 8 kHz: low-passed by a windowed sinc, a filter for each phase."""
    step = Fraction(rate, RATE)
    filters = _filters(step)
    half = TAPS // 2
    padded = [0] * half + list(samples) + [0] * (half + 1)
    out: list[int] = []
    for number in range(int(len(samples) / step)):
        at = number * step.numerator
        start, phase = divmod(at, step.denominator)
        window = padded[start + 1 : start + 1 + TAPS]
        value = round(sum(map(mul, window, filters[phase])))
        out.append(max(-32768, min(32767, value)))
    return out


@cache
def _filters(step: Fraction) -> tuple[tuple[float, ...], ...]:
    """The taps for each place that an output sample can have between two input samples."""
    cutoff = 0.9 * min(1.0, 1.0 / float(step))
    return tuple(_taps(phase / step.denominator, cutoff) for phase in range(step.denominator))


def _taps(offset: float, cutoff: float) -> tuple[float, ...]:
    taps = []
    for tap in range(TAPS):
        x = tap - (TAPS // 2 - 1) - offset
        sinc = cutoff if x == 0 else sin(pi * cutoff * x) / (pi * x)
        hann = 0.5 + 0.5 * cos(pi * x / (TAPS / 2))
        taps.append(sinc * hann)
    whole = sum(taps)
    return tuple(tap / whole for tap in taps)
