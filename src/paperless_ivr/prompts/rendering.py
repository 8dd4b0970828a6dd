"""Renders phrases as 8 kHz files with espeak-ng, for use until there are recordings.

A voice studio's recordings sound better, and can replace these files.
"""

import io
import shutil
import subprocess
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.prompts.listening import PAGE, page
from paperless_ivr.prompts.recorded import LIST, Phrase, Recordings, listed, table

PROGRAM = "espeak-ng"
NO_PROGRAM = (
    "its program `espeak-ng` is not on the PATH. Install it "
    "(Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng)"
)
RATE = 8000
"""Samples per second on a telephone line (ITU-T G.711)."""
WORDS_A_MINUTE = 150
"""The pace assumed when the wording is timed. The default of espeak-ng is 175."""
SAMPLE = np.dtype("<i2")
"""A sample in a WAV file."""
Samples = NDArray[np.int16]
"""Sound at the telephone's sample rate."""
VOICES = {"en-US": "en-us", "es-US": "es-419"}
"""The espeak-ng voices, by language. For other languages, the voice is the language tag."""


def render(wanted: Sequence[Phrase], folder: Path, told: Callable[[str], None]) -> int:
    """Render the phrases that no file in the folder says, and write the folder's list.

    Files that already say the right words are left alone, because they may come from a studio.
    Reports the name of each rendered file, and returns the number of files.
    """
    lacking = Recordings.read(folder).missing(wanted)
    for phrase in lacking:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_wav(synthesized(phrase.text, phrase.language)))
        told(phrase.file)
    languages = {phrase.language for phrase in wanted}
    others = [phrase for phrase in listed(folder) if phrase.language not in languages]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIST).write_text(table([*wanted, *others]), encoding="utf-8", newline="")
    (folder / PAGE).write_text(page(folder, [*wanted, *others]), encoding="utf-8")
    return len(lacking)


def synthesized(words: str, language: str, *, ssml: bool = False) -> Samples:
    """Return words, or an SSML document, as samples for the telephone."""
    if shutil.which(PROGRAM) is None:
        raise GatewayProblems("nothing can be rendered", [NO_PROGRAM])
    voice = VOICES.get(language, language.lower())
    marked = ["-m"] if ssml else []
    done = subprocess.run(  # noqa: S603 - the words are an argument, never a command
        [PROGRAM, "-v", voice, "-s", str(WORDS_A_MINUTE), *marked, "--stdout", "--", words],
        capture_output=True,
        check=False,
    )
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()
        raise GatewayProblems("espeak-ng failed", [f"{words!r} ({language}): {said}"])
    return for_telephone(done.stdout)


def for_telephone(data: bytes) -> Samples:
    """Return the samples of a 16-bit mono WAV file, at the telephone's sample rate."""
    with wave.open(io.BytesIO(data)) as sound:
        # espeak-ng writes no length when it streams, so read everything there is
        samples = np.frombuffer(sound.readframes(len(data)), SAMPLE)
        rate = sound.getframerate()
    resampled = np.rint(soxr.resample(samples.astype(np.float32), rate, RATE))
    loudest = np.iinfo(SAMPLE)
    line: Samples = resampled.clip(loudest.min, loudest.max).astype(SAMPLE)
    return line


def as_wav(samples: Samples) -> bytes:
    """Return samples for the telephone as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(SAMPLE.itemsize)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return out.getvalue()
