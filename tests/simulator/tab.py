"""A tab of the simulator without a browser: listens to the events, and does what callers do."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread
from typing import Any

import urllib3
from attrs import define, field
from urllib3.exceptions import HTTPError

Json = dict[str, Any]

PATIENCE = 60.0
"""Seconds after which a test gives up on a busy machine."""


def without_chance(text: str) -> str:
    """Return a text without times, ports, and names of hand-overs, which may hold any digits."""
    return re.sub(r"\d+\.\d+|:\d+/|-[0-9a-f]{8}\b", "", text)


@define
class Tab:
    """One tab. Words on the way to a question count as spoken at once."""

    url: str
    name: str
    pool: urllib3.PoolManager
    view: Json = field(factory=dict)
    spoken: int = 0
    views: "Queue[Json]" = field(factory=Queue)

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator["Tab"]:
        """A tab that listens until the block ends."""
        pool = urllib3.PoolManager(maxsize=4)
        tab = cls(url, pool.request("POST", f"{url}tabs").json()["tab"], pool)
        events = pool.request("GET", tab.at("events"), preload_content=False, timeout=PATIENCE)
        listening = Thread(target=tab._listen, args=(events,), daemon=True)
        listening.start()
        tab.until(lambda _: True)
        try:
            yield tab
        finally:
            events.shutdown()
            listening.join()

    def at(self, path: str) -> str:
        """Returns the address of a resource of this tab."""
        return f"{self.url}tabs/{self.name}/{path}"

    def _listen(self, events: urllib3.BaseHTTPResponse) -> None:
        try:
            for line in events:
                if line.startswith(b"data: "):
                    self.views.put(json.loads(line[6:]))
        except (HTTPError, ValueError):
            return

    def act(self, act: str, **about: object) -> None:
        """Posts an action."""
        reply = self.pool.request("POST", self.at(act), json=about)
        assert reply.status == 204, reply.data

    def until(self, holds: Callable[[Json], object]) -> Json:
        """Listens until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not (self.view and holds(self.view)):
            assert time.monotonic() < end, json.dumps(self.view, indent=1)
            try:
                self.view = self.views.get(timeout=1)
            except Empty:
                continue
            speech = (self.view["call"] or {}).get("speech")
            if speech and speech["waits"] == "answer" and speech["number"] > self.spoken:
                self.spoken = speech["number"]
                self.act("spoken", speech=self.spoken)
        return self.view["call"]

    def asked(self, state: str) -> Json:
        """Listens until the caller is asked something."""

        def is_asked(view: Json) -> bool:
            call = view["call"] or {}
            speech = call.get("speech") or {"current": False}
            return speech["current"] and call["state"]["code"] == state

        return self.until(is_asked)

    def ended(self) -> Json:
        """Listens until the call has ended."""
        return self.until(lambda view: view["call"] and view["call"]["ended"])

    def call(self, **scenario: object) -> None:
        """Starts a call with a scenario."""
        if scenario:
            self.act("scenario", **scenario)
        self.act("call")

    def press(self, keys: str, heard: int | None = None) -> None:
        """Presses keys at what is being asked; "" is silence."""
        number = self.view["call"]["speech"]["number"]
        for key in keys or [""]:
            self.act("key", key=key, speech=number, heard=heard)

    def texts(self, kind: str) -> list[str]:
        """Returns the lines of one kind so far."""
        return [line["text"] for line in self.view["call"]["entries"] if line["kind"] == kind]

    def to_consent(self, **scenario: object) -> Json:
        """Calls, and goes to the question whose yes enrolls."""
        self.call(**scenario)
        self.asked("OFFER")
        self.press("1")
        self.asked("IDENTITY_CHECK")
        self.press("1137")
        return self.asked("CONFIRMATION")
