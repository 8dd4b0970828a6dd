"""A transcript as one sound file: what is heard, and the keys as the tones that they send."""

import numpy as np
from attrs import define, field

from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import CallerEvent, Digits, Ended, NoInput
from paperless_ivr.flow.turns import Gather, Turn
from paperless_ivr.prompts import speech, ssml
from paperless_ivr.prompts.rendering import RATE, SAMPLE, Samples, as_wav, synthesized
from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.transcripts import Transcript
from paperless_ivr.transcripts.playback import Playback

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
"""Frequencies of keys in Hz (ITU-T Q.23)."""
KEYS = "123456789*0#"
TONE_S = 0.1
"""Seconds of a tone, and between two (ITU-T Q.24: at least 0.04)."""
LOUDNESS = 6000
"""Of each of the two frequencies, in steps of 16 bits."""
BEFORE_KEY_S = 0.8
"""Seconds of a prompt that a key interrupts, and of thought before a key that does not."""


def sound_of(transcript: Transcript) -> bytes:
    """The call of a transcript as a WAV file, as it goes now."""
    playback = Playback(transcript)
    gateway = SoundGateway(playback)
    store = SeparateStores(playback, MemoryLiveCalls())
    setup = Setup(playback.flow, playback.words, playback, store, observers=(playback.moved,))
    Driver(setup).converse(gateway, transcript.arrival)
    return as_wav(np.concatenate([silence(0), *gateway.sounds]))


@define
class SoundGateway:
    """Does what a transcript says, and keeps what the line sounds like meanwhile."""

    playback: Playback
    sounds: list[Samples] = field(factory=list)

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """What the caller hears, and does."""
        event = self.playback.perform(turn, language)
        interrupted = event.interrupted if isinstance(event, Digits) else None
        for number, prompt in enumerate(turn.say):
            words = ssml(speech(prompt, language, self.playback.words), language)
            spoken = synthesized(words, language, ssml=True)
            if number == interrupted:
                self.sounds.append(spoken[: round(BEFORE_KEY_S * RATE)])
                break
            self.sounds.append(spoken)
        match event, turn.then:
            case Digits(keys, ended), _:
                self.sounds += [silence(BEFORE_KEY_S)] if interrupted is None else []
                self.sounds += map(tone, keys.reveal() + "#" * (ended is Ended.END_KEY))
            case NoInput(), Gather(first_key_wait=seconds):
                self.sounds.append(silence(seconds))
        return event


def silence(seconds: float) -> Samples:
    """Nothing, for a while."""
    return np.zeros(round(seconds * RATE), SAMPLE)


def tone(key: str) -> Samples:
    """The tone of a key, and the silence after it."""
    row, column = divmod(KEYS.index(key), len(COLUMNS))
    times = np.arange(round(TONE_S * RATE)) / RATE
    low, high = (np.sin(2 * np.pi * hertz * times) for hertz in (ROWS[row], COLUMNS[column]))
    return np.concatenate([(LOUDNESS * (low + high)).astype(SAMPLE), silence(TONE_S)])
