"""Renders phrases as 8 kHz files with espeak-ng, for use until recordings are available.

Recordings from a voice studio sound better and can replace these files.
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
    "the program `espeak-ng` is not on the PATH. Install it "
    "(Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng)"
)
RATE = 8000
"""Samples per second on a telephone line (ITU-T G.711)."""
WORDS_A_MINUTE = 150
"""The speaking rate, which is also assumed when prompts are timed. The espeak-ng default is 175."""
SAMPLE = np.dtype("<i2")
"""The type of a sample in a WAV file."""
Samples = NDArray[np.int16]
"""Sound at the telephone's sample rate."""
VOICES = {"en-US": "en-us", "es-US": "es-419"}
"""The espeak-ng voices, by language. For other languages, the language tag is used as the voice."""


def render(wanted: Sequence[Phrase], folder: Path, rendered: Callable[[str], None]) -> int:
    """Render the phrases without a recording; write the folder's list and listening page.

    Files that already contain the right words are left unchanged, because they may come from a
    studio. Passes the name of each rendered file to `rendered`, and returns the number of rendered
    files.
    """
    lacking = Recordings.read(folder).missing(wanted)
    for phrase in lacking:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_wav(synthesized(phrase.text, phrase.language)))
        rendered(phrase.file)
    languages = {phrase.language for phrase in wanted}
    others = [phrase for phrase in listed(folder) if phrase.language not in languages]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIST).write_text(table([*wanted, *others]), encoding="utf-8", newline="")
    (folder / PAGE).write_text(page(folder, [*wanted, *others]), encoding="utf-8")
    return len(lacking)


def synthesized(words: str, language: str, *, ssml: bool = False) -> Samples:
    """Synthesize text, or an SSML document, and return telephone-rate samples."""
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
    """Return the samples of a 16-bit mono WAV file, resampled to the telephone's sample rate."""
    with wave.open(io.BytesIO(data)) as sound:
        # espeak-ng writes no valid length when it streams, so read everything
        samples = np.frombuffer(sound.readframes(len(data)), SAMPLE)
        rate = sound.getframerate()
    resampled = np.rint(soxr.resample(samples.astype(np.float32), rate, RATE))
    loudest = np.iinfo(SAMPLE)
    line: Samples = resampled.clip(loudest.min, loudest.max).astype(SAMPLE)
    return line


def as_wav(samples: Samples) -> bytes:
    """Return telephone-rate samples as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(SAMPLE.itemsize)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return out.getvalue()
