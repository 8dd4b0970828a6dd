"""Turns as TwiML. Sources: https://www.twilio.com/docs/voice/twiml and the page on each verb."""

import math
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from attrs import frozen

from paperless_ivr.flow.turns import Gather, Prompt, Return, Transfer, Turn, barge_in_runs
from paperless_ivr.gateways import web
from paperless_ivr.gateways.port import Sign
from paperless_ivr.prompts import Catalog, Pause, Piece, Text, plain, speech
from paperless_ivr.prompts.ssml import write

SHORTEST = 1
"""The shortest `<Gather>` timeout in seconds. It is the pause between two runs of prompts."""
GOING_ON = 5
"""The shortest wait in seconds for a caller who continues after a pause in an entry."""
RINGING = 30
"""How many seconds an agent's telephone rings (the default of `<Dial timeout>`)."""
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


@frozen
class Voices:
    """The voices and recordings for prompts.

    If there is a voice for a language, prompts are sent to it as SSML. Otherwise, they are sent as
    plain text, and Twilio chooses a voice. If there are recordings, they are played for prompts
    without slots.
    """

    catalog: Catalog
    names: Mapping[str, str]
    recordings: str | None
    """The base address of the recordings. Below it are files such as `en-US/greeting.wav`."""

    def speak(self, parent: ET.Element, prompts: Iterable[Prompt], language: str) -> None:
        """Append the verbs that speak prompts."""
        for n, prompt in enumerate(prompts):
            spoken = prompt.language or language
            if self.recordings and not prompt.slots:
                ET.SubElement(parent, "Play").text = f"{self.recordings}/{spoken}/{prompt.name}.wav"
                continue
            pieces = speech(prompt, spoken, self.catalog)
            self._say(parent, (Pause(), *pieces) if n else pieces, spoken)

    def _say(self, parent: ET.Element, pieces: Sequence[Piece], language: str) -> None:
        said = ET.SubElement(parent, "Say", {"language": language})
        if language in self.names:
            said.set("voice", self.names[language])
            write(said, pieces)
        else:
            write(said, (Text(plain(pieces)),))


@frozen
class Routes:
    """The addresses that a document contains for Twilio's next request."""

    base: str
    """The gateway's own address, where Twilio reaches it."""

    def keys(self, gather: Gather, token: str) -> str:
        """Return the address for the keys of a gather."""
        return web.at(self.base, "keys", most=str(gather.max_keys), end=gather.end_key, turn=token)

    def silence(self, token: str) -> str:
        """Return the address to request if the caller presses no key."""
        return web.at(self.base, "silence", turn=token)

    def person(self, token: str) -> str:
        """Return the address for the result of a transfer."""
        return web.at(self.base, "person", turn=token)

    def on(self, token: str) -> str:
        """Return the address for the answer to a request."""
        return web.at(self.base, "on", turn=token)


def document(root: ET.Element) -> str:
    """Return a TwiML document as text."""
    return DECLARATION + ET.tostring(root, encoding="unicode")


@frozen
class Writer:
    """Writes one turn, in the language of its call."""

    turn: Turn
    sign: Sign
    language: str
    voices: Voices
    routes: Routes

    def response(self) -> ET.Element:
        """Return a turn as TwiML. A transfer or return of the call is not included."""
        root = ET.Element("Response")
        if isinstance(self.turn.then, Gather):
            self._gather(root, self.turn.then)
            return root
        self.voices.speak(root, self.turn.say, self.language)
        if not isinstance(self.turn.then, Transfer | Return):
            ET.SubElement(root, "Redirect").text = self.routes.on(self.sign(None))
        return root

    def _gather(self, root: ET.Element, gather: Gather) -> None:
        """Write one `<Gather>` for each run of prompts.

        The address of a `<Gather>` identifies the run during which a key was pressed. If no key is
        pressed, each `<Gather>` but the last falls through to the next verb. Only the last one
        gives the caller time to answer, and its address is requested after silence, too.
        """
        say, runs = self.turn.say, barge_in_runs(self.turn)
        if not gather.barge_in:  # outside a <Gather>, keys do nothing
            self.voices.speak(root, say, self.language)
            runs = (range(len(say), len(say)),)
        for run in runs:
            last = run is runs[-1]
            verb = ET.SubElement(
                root,
                "Gather",
                {
                    "input": "dtmf",
                    "action": self.routes.keys(gather, self.sign(None if last else run.start)),
                    "numDigits": str(gather.max_keys),
                    "finishOnKey": "" if gather.begun or gather.max_keys == 1 else gather.end_key,
                    "timeout": str(_wait(gather) if last else SHORTEST),
                    "actionOnEmptyResult": "true" if last else "false",
                },
            )
            self.voices.speak(verb, say[run.start : run.stop], self.language)
        ET.SubElement(root, "Redirect").text = self.routes.silence(self.sign(None))


def _wait(gather: Gather) -> int:
    """Return the longer of the two waits in whole seconds, because Twilio supports only one."""
    if gather.begun:  # the end key does not end this gather
        return math.ceil(max(gather.next_key_wait, GOING_ON))
    entry = gather.max_keys > 1
    return math.ceil(max(gather.first_key_wait, gather.next_key_wait if entry else 0))


def dial(root: ET.Element, person: str, action: str, caller_id: str | None) -> None:
    """Transfer the caller. Afterward, Twilio requests `action`.

    Without a `callerId`, Twilio passes on the caller's own number. If that is not a real number,
    the call may be rejected, so one of the account's numbers is needed instead. For a caller who
    uses a Twilio client, `callerId` is required
    (https://www.twilio.com/docs/api/errors/13214).
    """
    verb = ET.SubElement(root, "Dial", {"action": action, "timeout": str(RINGING)})
    if caller_id is not None:
        verb.set("callerId", caller_id)
    ET.SubElement(verb, "Sip" if person.startswith("sip:") else "Number").text = person
