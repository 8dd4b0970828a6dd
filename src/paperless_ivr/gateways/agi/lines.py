"""Parses AGI replies and encodes AGI commands.

This module follows the source code (res/res_agi.c) and recordings (tests/gateways/agi) of Asterisk
16.28.0 and 22.10.1.
"""

import re
from collections.abc import Iterator

from attrs import define, field, frozen

LONGEST_LINE = 16_384
"""The maximum size of one line, or one multi-line reply, in bytes. Real ones are under 2,000."""
LONGEST_HEAD = 65_536
"""The maximum size of the header block, in bytes."""
LONGEST_COMMAND = 2_047
"""The maximum size of a command, in bytes. Asterisk 16 reads the excess as another command."""

HEADER = re.compile(r"(agi_\w+): ?(.*)")
REPLY = re.compile(r"([1-5]\d\d)([ -])(.*)", re.DOTALL)
RESULT = re.compile(r"result=(-?[^ (]*)")
ENDPOS = re.compile(r"\bendpos=(\d{1,15})")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Nonsense(Exception):
    """The other end does not speak AGI."""


@frozen
class Headers:
    """The header block at the beginning of a connection."""

    values: dict[str, str] = field(repr=False)


@frozen
class Reply:
    """The answer to one command."""

    code: int
    result: str = field(default="", repr=False)
    value: str | None = field(default=None, repr=False)
    """The text in parentheses, or None if there is none."""
    endpos: int = 0
    """How far a sound was played, in samples."""

    @property
    def number(self) -> int:
        """The result as a number, or -1 if it is not a number."""
        return int(self.result) if re.fullmatch(r"-?[0-9]{1,9}", self.result) else -1


@frozen
class HangUpNotice:
    """The line HANGUP, which can come at any time and is not a reply."""


Message = Headers | Reply | HangUpNotice


@define
class Reader:
    """Parses messages from bytes as they arrive."""

    _buffer: bytes = field(default=b"", repr=False)
    _head: dict[str, str] | None = field(factory=dict, repr=False)
    _open: list[str] = field(factory=list, repr=False)
    """The lines of an incomplete reply."""
    _size: int = 0
    """The size of the incomplete block or reply, in bytes."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that these bytes complete. Raises Nonsense if they are not AGI."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
            self._fits(len(line))
            message = self._line(line.decode("utf-8", "replace"))
            if isinstance(message, Headers | Reply):
                self._size = 0  # until a reply is complete, line sizes are added up
            if message is not None:
                yield message
        self._fits(len(self._buffer))

    def _fits(self, more: int) -> None:
        limit = LONGEST_LINE if self._head is None else LONGEST_HEAD
        if self._size + more > limit:
            raise Nonsense("too long")

    def _line(self, line: str) -> Message | None:
        self._size += len(line) + 1
        if self._head is not None:
            return self._header(line)
        if self._open:
            return self._goes_on(line)
        if not line:  # ignore an empty line between messages
            return None
        if line == "HANGUP":
            return HangUpNotice()
        return self._begins(line)

    def _header(self, line: str) -> Headers | None:
        assert self._head is not None
        if not line:
            headers, self._head = Headers(self._head), None
            if not headers.values:
                raise Nonsense("no headers")
            return headers
        match = HEADER.fullmatch(line)
        if match is None:
            raise Nonsense("not a header")
        self._head[match[1]] = match[2]
        return None

    def _begins(self, line: str) -> Reply | None:
        match = REPLY.fullmatch(line)
        if match is None:
            raise Nonsense("not a reply")
        if match[1].startswith("1"):  # "Trying...", before the reply to GOSUB
            return None
        opened = match[2] == "-" or ("(" in line and not line.endswith(")"))
        if opened:
            self._open = [line]
            return None
        return _reply(line)

    def _goes_on(self, line: str) -> Reply | None:
        """Add the next line of a usage text, or of a value that contains line breaks."""
        first = self._open[0]
        self._open.append(line)
        usage = first[3] == "-"
        if not (line.startswith(f"{first[:3]} ") if usage else line.endswith(")")):
            return None
        text, self._open = "\n".join(self._open), []
        return Reply(int(first[:3])) if usage else _reply(text)


def _reply(text: str) -> Reply:
    match = REPLY.fullmatch(text)
    assert match is not None
    rest = match[3]
    result, endpos = RESULT.search(rest), ENDPOS.search(rest)
    start, end = rest.find("("), rest.rfind(")")
    return Reply(
        int(match[1]),
        result[1] if result else "",
        rest[start + 1 : end] if 0 <= start < end else None,
        int(endpos[1]) if endpos else 0,
    )


def quoted(text: str) -> str:
    """Return an argument in quotes, with its control characters replaced by spaces."""
    plain = CONTROL.sub(" ", text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command(text: str) -> bytes:
    """Return a command as bytes. Raises ValueError if Asterisk would not accept it as one."""
    line = text.encode()
    if CONTROL.search(text) or len(line) > LONGEST_COMMAND:
        raise ValueError("not a single line that Asterisk accepts")
    return line + b"\n"
