"""A caller over SIP: makes one call, presses keys (RFC 4733), and keeps everything that is heard.

Uses RFC 3261 for signaling, and RFC 3550 and 3551 for audio (PCMU). It has only what a caller on
loopback needs: no registration, and no retransmission.
"""

import asyncio
import random
import re
import struct
from collections import deque

from attrs import define, field

from tests.asterisk.audio import loud

TICK = 0.02
PCMU, EVENTS = 0, 101
SILENCE = b"\xff" * 160
EVENT = {key: code for code, key in enumerate("0123456789*#ABCD")}
QUIET_FOR = 1.5
"""Seconds of quiet after which the caller assumes that it is their turn."""


class _Socket(asyncio.DatagramProtocol):
    """A UDP socket that passes on what it receives."""

    def __init__(self, received: object) -> None:
        self.received = received

    def datagram_received(self, data: bytes, address: object) -> None:
        """Pass on a datagram."""
        self.received(data)  # type: ignore[operator]


@define
class Key:
    """A key that is being pressed."""

    event: int
    ticks: int = 5
    duration: int = 0
    ends: int = 3


@define
class SipCaller:
    """One call."""

    server: int
    number: str = "2175550101"
    answered: asyncio.Event = field(factory=asyncio.Event)
    ended: asyncio.Event = field(factory=asyncio.Event)
    heard: list[bytes] = field(factory=list, repr=False)
    """The payload of every packet, in order."""
    heard_at: list[float] = field(factory=list, repr=False)
    """When each packet came, in seconds of the monotonic clock."""
    last_loud: float = 0.0
    _spoke: bool = False
    _sip: asyncio.DatagramTransport | None = None
    _rtp: asyncio.DatagramTransport | None = None
    _sending: "asyncio.Task[None] | None" = None
    _keys: "deque[Key | int]" = field(factory=deque)
    _tags: tuple[str, str, str] = field(
        factory=lambda: tuple(f"{random.getrandbits(48):012x}" for _ in range(3))
    )
    _to: str = ""
    _media: tuple[str, int] = ("127.0.0.1", 0)

    async def call(self, extension: str) -> None:
        """Call, and wait until the call is answered."""
        loop = asyncio.get_running_loop()
        local = ("127.0.0.1", 0)
        self._rtp, _ = await loop.create_datagram_endpoint(
            lambda: _Socket(self._sound), local_addr=local
        )
        self._sip, _ = await loop.create_datagram_endpoint(
            lambda: _Socket(self._message), local_addr=local
        )
        port = self._rtp.get_extra_info("sockname")[1]
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {PCMU} {EVENTS}\r\na=rtpmap:{PCMU} PCMU/8000\r\n"
            f"a=rtpmap:{EVENTS} telephone-event/8000\r\na=fmtp:{EVENTS} 0-15\r\na=ptime:20\r\n"
        )
        self._to = f"<sip:{extension}@127.0.0.1:{self.server}>"
        self._request("INVITE", extension, 1, sdp)
        await asyncio.wait_for(self.answered.wait(), 30)
        self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Release everything, and hang up if necessary."""
        if self.answered.is_set() and not self.ended.is_set():
            self.hang_up()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
        for transport in (self._sip, self._rtp):
            if transport is not None:
                transport.close()

    # ── what a caller can do ──

    def press(self, keys: str, apart: float = 0.25) -> None:
        """Press keys for 100 ms each. The pace is the time from one start to the next."""
        for key in keys:
            self._keys.append(Key(EVENT[key]))
            self._keys.append(max(1, round(apart / TICK) - 5))

    def hang_up(self) -> None:
        """Hang up."""
        self._request("BYE", re.findall(r"sip:([^@]+)@", self._to)[0], 2)
        self.ended.set()

    async def until_quiet(self) -> None:
        """Listen until something was said, followed by silence, or until the call is over."""
        loop = asyncio.get_running_loop()
        self._spoke = False
        while not self.ended.is_set():
            await asyncio.sleep(TICK)
            if self._spoke and loop.time() - self.last_loud > QUIET_FOR:
                return

    async def until_spoken_to(self, seconds: float = 0.0) -> None:
        """Wait until something is said, and then for this many more seconds."""
        self._spoke = False
        while not self._spoke and not self.ended.is_set():
            await asyncio.sleep(TICK)
        await asyncio.sleep(seconds)

    async def to_the_end(self) -> None:
        """Wait until the far end hangs up."""
        await asyncio.wait_for(self.ended.wait(), 120)

    # ── SIP ──

    def _request(self, method: str, extension: str, number: int, body: str = "") -> None:
        assert self._sip is not None
        port = self._sip.get_extra_info("sockname")[1]
        call, tag, branch = self._tags
        lines = [
            f"{method} sip:{extension}@127.0.0.1:{self.server} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{branch}{method}{number};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.number}@127.0.0.1>;tag={tag}",
            f"To: {self._to}",
            f"Call-ID: {call}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{self.number}@127.0.0.1:{port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        text = "\r\n".join([*lines, "", body])
        self._sip.sendto(text.encode(), ("127.0.0.1", self.server))

    def _message(self, data: bytes) -> None:
        """Handle a SIP message."""
        head, _, body = data.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        if first.startswith("SIP/2.0 200") and "INVITE" in head.partition("CSeq:")[2][:20]:
            self._to = next(line for line in lines if line.startswith("To:"))[3:].strip()
            audio = re.search(r"m=audio (\d+)", body)
            assert audio is not None
            self._media = ("127.0.0.1", int(audio[1]))
            self._request("ACK", re.findall(r"sip:([^@]+)@", self._to)[0], 1)
            self.answered.set()
        elif first.startswith("BYE"):
            assert self._sip is not None
            copied = [li for li in lines if re.match(r"(Via|From|To|Call-ID|CSeq):", li)]
            reply = "\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""])
            self._sip.sendto(reply.encode(), ("127.0.0.1", self.server))
            self.ended.set()

    # ── audio ──

    def _sound(self, data: bytes) -> None:
        """Handle a packet of audio."""
        if data[1] & 0x7F != PCMU:
            return
        self.heard.append(data[12:])
        self.heard_at.append(asyncio.get_running_loop().time())
        if loud(data[12:]):
            self.last_loud = asyncio.get_running_loop().time()
            self._spoke = True

    async def _send(self) -> None:
        """Send silence or keys, one packet every 20 ms."""
        assert self._rtp is not None
        loop = asyncio.get_running_loop()
        due, number, source = loop.time(), random.getrandbits(15), random.getrandbits(32)
        while True:
            now = number * 160
            for kind, marked, stamp, payload in self._packets(now):
                head = struct.pack(
                    "!BBHII", 0x80, kind | marked << 7, number & 0xFFFF, stamp & 0xFFFFFFFF, source
                )
                self._rtp.sendto(head + payload, self._media)
                number += 1
            due += TICK
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _packets(self, now: int) -> list[tuple[int, int, int, bytes]]:
        """Yield the packets that are due: type, marker, timestamp, payload."""
        if not self._keys:
            return [(PCMU, 0, now, SILENCE)]
        current = self._keys[0]
        if isinstance(current, int):
            self._keys[0] = current - 1
            if current <= 1:
                self._keys.popleft()
            return [(PCMU, 0, now, SILENCE)]
        first = current.duration == 0
        current.duration += 160
        current.ticks -= 1
        stamp = now - (current.duration - 160)
        if current.ticks > 0:
            return [(EVENTS, int(first), stamp, self._event(current, ended=False))]
        self._keys.popleft()
        return [(EVENTS, 0, stamp, self._event(current, ended=True))] * current.ends

    @staticmethod
    def _event(key: Key, *, ended: bool) -> bytes:
        return struct.pack("!BBH", key.event, (0x80 if ended else 0) | 10, key.duration)
