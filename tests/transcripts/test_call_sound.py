"""A transcript as a sound file."""

import io
import os
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from paperless_ivr.prompts.rendering import RATE, Samples
from paperless_ivr.transcripts import read
from paperless_ivr.transcripts.call_sound import COLUMNS, KEYS, ROWS, TONE_S, sound_of, tone

CALLS = Path(__file__).parent
STEP = round(TONE_S * RATE / 4)


def keys_in(sound: Samples) -> str:
    """Return the keys whose tones are in a sound: two frequencies with nearly all of its power."""
    found = ""
    lasting = ""
    for start in range(0, len(sound) - 2 * STEP, STEP):
        part = sound[start : start + 2 * STEP].astype(float)
        key = _key(part)
        if key and key != lasting:
            found += key
        lasting = key
    return found


def _key(part: Samples) -> str:
    times = np.arange(len(part)) / RATE
    power = float(np.mean(part**2))
    if power < 10_000:
        return ""

    def share(hertz: int) -> float:
        wave_of = np.exp(-2j * np.pi * hertz * times)
        return float(2 * abs(np.mean(part * wave_of)) ** 2 / power)

    low, high = max(ROWS, key=share), max(COLUMNS, key=share)
    if share(low) + share(high) < 0.9 or min(share(low), share(high)) < 0.3:
        return ""
    return KEYS[ROWS.index(low) * len(COLUMNS) + COLUMNS.index(high)]


def test_each_key_has_its_tone() -> None:
    """The tones of all keys can be distinguished."""
    assert "".join(keys_in(tone(key)) for key in KEYS) == KEYS


@pytest.mark.requirement("R43")
@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("espeak-ng") is None and os.environ.get("CI") != "true",
    reason="espeak-ng is not installed",
)
@pytest.mark.parametrize("call", ["enrolled", "es-unknown-account"])
def test_a_call_is_heard(call: str) -> None:
    """All keys of the call are heard, in order, among words of their real length."""
    transcript = read(CALLS / f"{call}.call")
    pressed = [step.rest for step in transcript.steps if step.word == "presses"]
    heard = [step.rest for step in transcript.steps if step.word == "hears"]

    with wave.open(io.BytesIO(sound_of(transcript))) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, RATE)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")

    assert keys_in(samples) == "".join(pressed)
    words = sum(len(text.split()) for text in heard)
    assert 0.2 * words < len(samples) / RATE - 0.2 * len("".join(pressed))
