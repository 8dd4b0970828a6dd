"""Phrases rendered by espeak-ng."""

import io
import math
import os
import shutil
import wave
from pathlib import Path

import pytest

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.prompts.recorded import Phrase, Recordings, table
from paperless_ivr.prompts.rendering import RATE, as_wav, for_telephone, render

SOME = (
    Phrase("en-US", "one_moment", "One moment."),
    Phrase("es-US", "one_moment", "Un momento."),
)
needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None and os.environ.get("CI") != "true",
    reason="espeak-ng is not installed",
)


def power(samples: list[int], frequency: float) -> float:
    """Return the power of a tone, at 8 kHz (Goertzel)."""
    angle = 2 * math.pi * frequency / RATE
    real = sum(s * math.cos(angle * n) for n, s in enumerate(samples))
    imaginary = sum(s * math.sin(angle * n) for n, s in enumerate(samples))
    return math.hypot(real, imaginary) / len(samples)


def tone(frequency: float, rate: int, loudness: int = 16384) -> bytes:
    """Return half a second of a tone, as a WAV file."""
    samples = (
        round(loudness * math.sin(2 * math.pi * frequency * n / rate)) for n in range(rate // 2)
    )
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"".join(s.to_bytes(2, "little", signed=True) for s in samples))
    return out.getvalue()


def heard(data: bytes) -> list[int]:
    """Return the samples of a WAV file for the telephone."""
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        frames = sound.readframes(sound.getnframes())
    return [
        int.from_bytes(frames[n : n + 2], "little", signed=True) for n in range(0, len(frames), 2)
    ]


@pytest.mark.parametrize("rate", [22050, 16000, 8000])
@pytest.mark.parametrize("frequency", [300, 1000, 3000])
def test_speech_stays_as_it_is(rate: int, frequency: float) -> None:
    """A tone within the telephone's band keeps its pitch, its volume, and its length."""
    out = heard(as_wav(for_telephone(tone(frequency, rate))))
    assert len(out) == pytest.approx(RATE / 2, abs=1)
    assert power(out[100:-100], frequency) == pytest.approx(8192, rel=0.15)


@pytest.mark.parametrize("frequency", [5000, 7000, 10000])
def test_what_is_too_high_is_gone(frequency: float) -> None:
    """A tone above the band is filtered out, and does not come back as a lower one."""
    out = heard(as_wav(for_telephone(tone(frequency, 22050))))
    assert max(map(abs, out[100:-100])) < 16384 * 0.03


def test_silence() -> None:
    """Silence is silence."""
    assert set(heard(as_wav(for_telephone(tone(1000, 22050, loudness=0))))) == {0}


@needs_espeak
@pytest.mark.requirement("R41")
def test_phrases_are_rendered_once(tmp_path: Path) -> None:
    """Each phrase gets an 8 kHz file; existing files with the right words are left alone."""
    told: list[str] = []
    assert render(SOME, tmp_path, told.append) == 2
    assert told == ["en-US/one_moment", "es-US/one_moment"]
    assert Recordings.read(tmp_path).missing(SOME) == ()
    for phrase in SOME:
        with wave.open(str(tmp_path / f"{phrase.file}.wav")) as sound:
            assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
            assert sound.getframerate() == RATE
            assert 0.3 < sound.getnframes() / RATE < 3
            assert max(sound.readframes(sound.getnframes())) > 0
    page = (tmp_path / "index.html").read_text("utf-8")
    for phrase in SOME:
        assert f'<td lang="{phrase.language}">{phrase.text}</td>' in page
        assert f'src="{phrase.file}.wav"' in page
    studio = tmp_path / "en-US" / "one_moment.wav"
    studio.write_bytes(b"of a studio")
    assert render(SOME, tmp_path, told.append) == 0
    assert studio.read_bytes() == b"of a studio"


@needs_espeak
def test_changed_words_are_rendered_anew(tmp_path: Path) -> None:
    """A file whose words have changed is rendered again; other languages stay on the list."""
    render(SOME, tmp_path, lambda _: None)
    changed = Phrase("en-US", "one_moment", "Just a moment.")
    assert render([changed], tmp_path, lambda _: None) == 1
    assert Recordings.read(tmp_path).missing([changed, SOME[1]]) == ()
    assert Recordings.read(tmp_path).missing(SOME[:1]) == SOME[:1]
    assert "Just a moment." in (tmp_path / "phrases.csv").read_text("utf-8")
    assert table([changed]).splitlines()[1] in (tmp_path / "phrases.csv").read_text("utf-8")


def test_without_espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GatewayProblems, match="apt-get install espeak-ng"):
        render(SOME, tmp_path, lambda _: None)
