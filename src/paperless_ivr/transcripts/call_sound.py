"""Renders a transcript as a sound file: the prompts, and the tones of the keys."""

from collections.abc import Iterator

import numpy as np

from paperless_ivr.flow.events import CallerEvent, Digits, Ended, NoInput
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.prompts import speech, ssml
from paperless_ivr.prompts.rendering import RATE, SAMPLE, Samples, as_wav, synthesized
from paperless_ivr.transcripts.form import Transcript
from paperless_ivr.transcripts.replaying import Replay, replayed

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
"""The frequencies of the keys, in Hz (ITU-T Q.23)."""
KEYS = "123456789*0#"
TONE_S = 0.1
"""The length of a tone, and of the pause after it, in seconds (ITU-T Q.24: at least 0.04)."""
LOUDNESS = 6000
"""The amplitude of each of the two frequencies, in 16-bit samples."""
BEFORE_KEY_S = 0.8
"""How many seconds of an interrupted prompt are heard, and how many seconds of silence come before
a key that interrupts nothing."""


def sound_of(transcript: Transcript) -> bytes:
    """Return a WAV file of a transcript's call, as the current flow runs it."""
    replay = replayed(transcript, None)
    on_the_line = (pair for pair in replay.turns if not pair[0].call.results.hung_up)
    sounds = (sound for turn, did in on_the_line for sound in _sounds(replay, turn, did))
    return as_wav(np.concatenate([silence(0), *sounds]))


def _sounds(replay: Replay, turn: Turn, did: CallerEvent | None) -> Iterator[Samples]:
    """Yield the sounds on the line during a turn."""
    language = turn.call.language or replay.flow.terms.policy.languages.default
    interrupted = did.interrupted if isinstance(did, Digits) else None
    for number, prompt in enumerate(turn.say):
        words = ssml(speech(prompt, language, replay.words), language)
        spoken = synthesized(words, language, ssml=True)
        if number == interrupted:
            yield spoken[: round(BEFORE_KEY_S * RATE)]
            break
        yield spoken
    match did, turn.then:
        case Digits(keys, ended), _:
            if interrupted is None:
                yield silence(BEFORE_KEY_S)
            yield from map(tone, keys.reveal() + "#" * (ended is Ended.END_KEY))
        case NoInput(), Gather(first_key_wait=seconds):
            yield silence(seconds)


def silence(seconds: float) -> Samples:
    """Return samples of silence."""
    return np.zeros(round(seconds * RATE), SAMPLE)


def tone(key: str) -> Samples:
    """Return the tone of a key and the silence after it."""
    row, column = divmod(KEYS.index(key), len(COLUMNS))
    times = np.arange(round(TONE_S * RATE)) / RATE
    low, high = (np.sin(2 * np.pi * hertz * times) for hertz in (ROWS[row], COLUMNS[column]))
    return np.concatenate([(LOUDNESS * (low + high)).astype(SAMPLE), silence(TONE_S)])
