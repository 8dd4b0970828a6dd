"""The page's view of a simulation, as JSON.

Masked data is left out, except from the prompts that the page is about to speak (R24).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from attrs import frozen

from paperless_ivr.backends.demo import CUSTOMERS
from paperless_ivr.cloudivr.links import Links
from paperless_ivr.cloudivr.outbox import Message
from paperless_ivr.diagrams.overview import TRAVEL
from paperless_ivr.diagrams.page import anchor
from paperless_ivr.drive.runner import handback_of
from paperless_ivr.flow.host import Moment, Registration
from paperless_ivr.flow.states import ENDS, Phase, State
from paperless_ivr.flow.table import BLOCKS
from paperless_ivr.flow.view import CallView
from paperless_ivr.simulator import words
from paperless_ivr.simulator.simulation import ALL, Simulation
from paperless_ivr.simulator.speaking import Speech, Spoken
from paperless_ivr.simulator.take import Entry, Exchange, Take
from paperless_ivr.simulator.why import passed, passed_by, sentence, standing, ways

Json = dict[str, Any]

DOTS = "••••"
MOMENTS: Mapping[Moment, str] = {
    Moment.START: "at the start of a call",
    Moment.BEFORE_PAYMENT: "before a payment",
    Moment.AFTER_PAYMENT: "after a payment",
}
LANGUAGES: Mapping[str, str] = {"en-US": "English", "es-US": "Spanish"}


@frozen
class View:
    """The current view of a simulation."""

    of: Simulation

    def json(self) -> Json:
        """Return everything that the page shows."""
        told: Json = {"version": self.of.version, **self._scenario(), "faults": self._faults()}
        told["call"] = self._call() if self.of.take and self.of.take.session else None
        return told

    # ── the choices ──

    def _scenario(self) -> Json:
        now, shelf, shelved = self.of.scenario, self.of.shelf, self.of.shelved
        offered = shelved.reading.policy.languages.offered
        begun = self.of.began_with is not None
        return {
            "scenario": {
                "caller": now.caller,
                "policy": now.policy,
                "moment": now.moment.value,
                "language": now.language or "ask",
                "person": now.person,
            },
            "choices": {
                "caller": [[handle, _name(handle)] for handle in CUSTOMERS],
                "policy": [[name, one.reading.policy.biller.name] for name, one in shelf.items()],
                "moment": [[moment.value, says] for moment, says in MOMENTS.items()],
                "language": [[tag, LANGUAGES.get(tag, tag)] for tag in offered]
                + [["ask", "a language of their choice"]],
            },
            "policy": {
                "name": shelved.name,
                "version": shelved.reading.policy.about.version,
                "problems": list(shelved.problems),
                "edited": begun and shelved.reading is not self.of.reading,
            },
            "yours": _yours(now.caller),
            "changed": begun and self.of.began_with != now,
            "may_reveal": self.of.may_reveal,
            "revealed": ALL in self.of.revealed,
        }

    def _faults(self) -> Json:
        line = self.of.line
        return {
            "service": self.of.world.fault.value,
            "record": "lost" if self.of.world.record_lost else "works",
            "key": line.delivery.value if line else "once",
        }

    # ── the call ──

    def _call(self) -> Json:
        take, line = self.of.take, self.of.line
        assert take is not None
        assert take.session is not None
        state, speech = take.session.call.state, take.speech
        return {
            "at": self.of.at,
            "take": take.number,
            "gone": line is not None and line.gone,
            "state": self._state(state),
            "speech": self._speech(speech, take) if speech else None,
            "entry": self._entry(take),
            "waiting": self._waiting(take),
            "ended": self._ended(take) if take.over else None,
            "entries": [self._line(entry, n) for n, entry in enumerate(take.entries)],
            "undone": self._undone(take),
            "stops": [
                {"at": stop.at, "title": words.title(stop.session.call.state)}
                for stop in take.stops
            ],
            "takes": [self._take(one) for one in self.of.takes],
            "messages": list(self._messages(take)),
            "exchanges": [self._exchange(one, n) for n, one in enumerate(take.exchanges)],
            "why": self._why(take),
            "flow": self._flow(take, state),
        }

    @staticmethod
    def _state(state: State) -> Json:
        return {
            "code": state.name,
            "address": anchor(None if state in ENDS else state.phase, state),
            "title": words.title(state),
            "purpose": BLOCKS[state].purpose,
            "kind": words.KINDS[state.kind.value],
            "chapter": state.phase.short,
            "picture": state.phase.name,
        }

    def _speech(self, speech: Speech, take: Take) -> Json:
        return {
            "current": take.speaks_for is take.session,
            "number": speech.number,
            "waits": speech.waits,
            "start": speech.start,
            "most": speech.most,
            "private": speech.private,
            "first_wait": speech.first_wait,
            "next_wait": speech.next_wait,
            "prompts": [
                {
                    "language": prompt.language,
                    "must_hear": prompt.must_hear,
                    "parts": [
                        {"text": part.text, "hidden": part.hidden and not self._shows("speech")}
                        for part in prompt.parts
                    ],
                }
                for prompt in speech.prompts
            ],
            "keys": {
                key: {"label": hint.label, "shared": hint.shared, "consent": hint.consent}
                for key, hint in speech.keys.items()
            },
        }

    def _shows(self, what: str) -> bool:
        """Return whether a personal item is shown."""
        return bool(self.of.revealed & {what, ALL})

    def _mask(self, what: str, *, personal: bool) -> Json | None:
        """Return the switch that reveals or hides an item, or None if it has no switch."""
        if not personal or ALL in self.of.revealed or not self.of.may_reveal:
            return None
        return {"what": what, "shown": what in self.of.revealed}

    def _entry(self, take: Take) -> Json:
        """Return the keys entered so far, as letters if the flow reads them as letters."""
        line, flow, session = self.of.line, self.of.flow, take.session
        assert flow is not None
        assert session is not None
        if line is None or take.speech is None or take.speaks_for is not session:
            return {"keys": 0, "shown": "", "mask": None}
        before = session.call.entry.so_far if take.speech.most > 1 else None
        keys = (before.reveal() if before else "") + line.entry
        read = words.so_far(CallView(session.call, flow.terms), keys)
        personal = take.speech.private and bool(keys)
        hidden = personal and not self._shows("entry")
        return {
            "keys": len(keys),
            "shown": "•" * len(read) if hidden else read,
            "mask": self._mask("entry", personal=personal),
        }

    @staticmethod
    def _waiting(take: Take) -> Json | None:
        """Return the request that the service is working on, or None if there is none."""
        waits = [one for one in take.exchanges if one.who == "Service" and not one.answer]
        if not waits or take.over:
            return None
        assert take.session is not None
        return {
            "since": waits[-1].at,
            "budget": waits[-1].budget,
            "asks": words.title(take.session.call.state),
            "fault": waits[-1].fault,
        }

    @staticmethod
    def _ended(take: Take) -> Json:
        assert take.session is not None
        back = handback_of(take.session)
        gets = {"disposition": back.disposition.value, "reason": back.reason.value}
        if back.registration is not Registration.NONE:
            gets["registration"] = back.registration.value
        if back.unused_keys:
            gets["unused key"] = back.unused_keys.reveal()
        purpose = next((BLOCKS[s].purpose for s in State if s.name == back.disposition.name), "")
        title = words.ending(back.disposition)
        return {"title": title, "meaning": purpose, "handback": gets}

    def _line(self, entry: Entry, number: int, *, undone: bool = False) -> Json:
        what = f"{'undone' if undone else 'entry'}-{number}"
        hides = any(part.hidden for prompt in entry.prompts for part in prompt.parts)
        if entry.kind == "said":
            text = " ".join(self._said(entry.prompts, shows=self._shows(what)))
        elif entry.private and not self._shows(what):
            text = "•" * len(entry.text)
        else:
            text = entry.text
        language = entry.prompts[0].language if entry.prompts else ""
        return {
            "at": entry.at,
            "kind": entry.kind,
            "text": text,
            "stop": None if undone else entry.stop,
            "language": language,
            "mask": self._mask(what, personal=entry.private or hides),
        }

    def _undone(self, take: Take) -> Json | None:
        """Return what came next in the earlier take, or None once this take has its own moves."""
        if take.instead_of is None or take.own:
            return None
        entries = [self._line(entry, n, undone=True) for n, entry in enumerate(take.came_next)]
        return {"take": take.instead_of, "entries": entries}

    @staticmethod
    def _said(prompts: Iterable[Spoken], *, shows: bool) -> Iterator[str]:
        for prompt in prompts:
            yield "".join(DOTS if part.hidden and not shows else part.text for part in prompt.parts)

    @staticmethod
    def _take(take: Take) -> Json:
        over = take.over and take.session is not None
        ended = handback_of(take.session).disposition if over and take.session else None
        ending = words.ending(ended).lower() if ended else "under way"
        return {"number": take.number, "ending": ending, "over": over}

    # ── the world ──

    def _messages(self, take: Take) -> Iterator[Json]:
        now = self.of.messages()
        for n, message in enumerate(now):
            yield {**self._message(message, f"message-{n}"), "number": n, "take": None}
        links = {message.link for message in now}
        for other in self.of.takes:
            if other is not take:
                for message in other.messages:
                    if message.link not in links:
                        told = self._message(message, message.link)
                        yield {**told, "mask": None, "number": None, "take": other.number}

    def _message(self, message: Message, what: str) -> Json:
        links = Links(self.of.world.service.operations)
        standing = links.look(message.link.rpartition("/")[2]).standing.value
        return {
            "kind": "e-mail" if "@" in message.to.reveal() else "text",
            "to": message.to.reveal() if self._shows(what) else words.masked(message.to),
            "mask": self._mask(what, personal=True),
            "bill": message.invoice_type,
            "status": {"open": "not opened yet", "used": "opened, done"}.get(standing, standing),
            "open": standing == "open",
        }

    def _exchange(self, one: Exchange, number: int) -> Json:
        asked, what = one.request, f"exchange-{number}"
        return {
            "at": one.at,
            "who": one.who,
            "what": one.what,
            "answer": one.answer,
            "fault": one.fault,
            "milliseconds": round(one.seconds * 1000),
            "fields": words.fields(asked, revealed=self._shows(what)) if asked else {},
            "mask": self._mask(what, personal=asked is not None and words.personal(asked)),
        }

    # ── the call's place in the flow ──

    def _why(self, take: Take) -> Json:
        flow = self.of.flow
        assert flow is not None
        waits = self._waiting(take)
        told = sentence(take.moves[-1], take.meant)
        if waits and waits["fault"]:
            told = f"{words.SERVICE[self.of.world.fault]}, so the call waits at “{waits['asks']}”."
        return {
            "sentence": told,
            "columns": [
                {
                    "title": words.title(one.state),
                    "code": one.state.name,
                    "refused": [one.when(row) for row in one.refused],
                    "taken": one.when(one.taken),
                    "untried": one.untried,
                    "rows": [row.name(one.state) for row in (*one.refused, one.taken)],
                }
                for move in take.latest()
                for one in passed(flow, move)
            ],
        }

    def _flow(self, take: Take, state: State) -> Json:
        flow = self.of.flow
        assert flow is not None
        reading, began_with = self.of.reading, self.of.began_with
        assert reading is not None
        assert began_with is not None
        way = list(passed_by(flow, take))
        reached = {one.phase for one in way}
        others = [list(passed_by(flow, other)) for other in self.of.takes if other is not take]
        elsewhere = {one.phase for other in others for one in other}
        before = [one for one in way if one is not state]
        leads = ways(flow, state)
        return {
            "chapters": [
                {
                    "code": phase.name,
                    "title": phase.short,
                    "state": standing(phase, state, reached, elsewhere),
                    "off": reading.off.get(phase, 0),
                }
                for phase in Phase
                if phase.name in reading.pictures
            ],
            "lines": [[here.name, there.name] for here, there in TRAVEL],
            "from": words.title(before[-1]) if before else "",
            "way": [one.name for one in dict.fromkeys(before)],
            "steps": _steps([one.name for one in way]),
            "travel": _steps([one.phase.name for one in way]),
            "elsewhere": _steps(*([one.phase.name for one in other] for other in others)),
            "ways": [{"when": when, "to": to} for when, to in leads],
            "pictures": f"{began_with.policy} {reading.number}",
        }


def _steps(*ways: list[str]) -> list[tuple[str, str]]:
    """Return the steps between consecutive places on all of these paths, without repeats."""
    steps = (step for way in ways for step in pairwise(way))
    return [(here, there) for here, there in dict.fromkeys(steps) if here != there]


def _yours(handle: str) -> Json:
    """Return what the fictitious caller knows: an account number and a phone number."""
    who = CUSTOMERS[handle]
    return {
        "account": who.account.reveal(),
        "phone": who.phone.reveal() if who.phone else "none",
    }


def _name(handle: str) -> str:
    name = CUSTOMERS[handle].name
    return name.reveal() if name else handle
