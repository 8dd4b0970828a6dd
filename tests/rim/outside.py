"""Makes things fail from outside: databases, the billing service, and servers."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field
from sqlalchemy import create_engine, make_url, text

from paperless_ivr.gateways.port import WebRequest
from tests.rim.made import (
    ADDRESS,
    ENVIRONMENT,
    HOST_URL,
    POLICY_FILE,
    RECORD_TABLES,
    SESSION_TABLES,
    Got,
)

# ── a database ──


AT_ONCE = ("--drain-seconds", "0")


class Breakable:
    """The database of a running server, over a separate connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        made = make_url(url)
        if made.get_backend_name() == "postgresql":
            made = made.set(drivername="postgresql+psycopg")
        self.engine = create_engine(made, isolation_level="AUTOCOMMIT")
        self._away: list[str] = []
        self._lock = None

    def do(self, *statements: str, **values: object) -> list[tuple[object, ...]]:
        """Execute statements, and return the rows of the last one."""
        rows: list[tuple[object, ...]] = []
        with self.engine.connect() as connection:
            for statement in statements:
                done = connection.execute(text(statement), values)
                rows = [tuple(row) for row in done] if done.returns_rows else []
        return rows

    def lose_tables(self, *tables: str) -> None:
        """Make every statement on these tables fail at once, until `mend`."""
        missing = [table for table in tables if table not in self._away]
        self.do(*(f"ALTER TABLE {table} RENAME TO {table}_away" for table in missing))
        self._away += missing

    def lock(self) -> None:
        """Keep everyone else from writing, until `mend` (SQLite)."""
        if self._lock is None:
            self._lock = create_engine(self.engine.url).raw_connection()
            self._lock.isolation_level = None
            self._lock.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        """Repair everything."""
        if self._lock is not None:
            self._lock.execute("ROLLBACK")
            self._lock.close()
            self._lock = None
        self.do(*(f"ALTER TABLE {table}_away RENAME TO {table}" for table in self._away))
        self._away = []

    def lose_call(self, call_id: str) -> None:
        """Delete the row of a call."""
        for table in SESSION_TABLES:
            self.do(f"DELETE FROM {table} WHERE call_id = :call", call=call_id)

    @contextmanager
    def put_back(self, call_id: str) -> Iterator[None]:
        """Put the row of a call back at the end, as it was."""
        saved = {
            table: self.do(f"SELECT * FROM {table} WHERE call_id = :call", call=call_id)
            for table in SESSION_TABLES
        }
        yield
        self.lose_call(call_id)
        for table, rows in saved.items():
            for row in rows:
                values = {f"v{number}": value for number, value in enumerate(row)}
                places = ", ".join(f":{name}" for name in values)
                self.do(f"INSERT INTO {table} VALUES ({places})", **values)

    def break_store(self) -> None:
        """Make the calls in progress unreachable."""
        self.lose_tables(*SESSION_TABLES)

    def break_record(self) -> None:
        """Make the record unreachable."""
        self.lose_tables(*RECORD_TABLES)

    def break_all(self) -> None:
        """Make both unreachable."""
        self.lose_tables(*SESSION_TABLES, *RECORD_TABLES)

    def close(self) -> None:
        """Close the connection."""
        self.engine.dispose()


# ── the billing service ──


@define(eq=False)
class Door:
    """A door in front of the billing service: open, shut (no one listens), or held."""

    to: int
    port: int = 0
    asked: int = 0
    """Requests that came in while it was held."""
    _listening: socket.socket | None = None
    _lines: list[socket.socket] = field(factory=list)
    _go: threading.Event = field(factory=threading.Event)
    _threads: list[threading.Thread] = field(factory=list)

    def open(self) -> None:
        """Let requests through."""
        self._go.set()
        if self._listening is None:
            self._listening = socket.create_server(("127.0.0.1", self.port), backlog=256)
            self.port = self._listening.getsockname()[1]
            self._start(self._accept, self._listening)

    def hold(self) -> None:
        """Accept requests, but hold them until it is opened."""
        self.asked = 0
        self._go.clear()

    def shut(self) -> None:
        """Refuse connections."""
        self._go.set()
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close for good."""
        self.shut()
        for thread in self._threads:
            thread.join(10)
        for line in self._lines:
            line.close()

    def _start(self, act: object, *about: object) -> None:
        thread = threading.Thread(target=act, args=about, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = listening.accept()
                onward = socket.create_connection(("127.0.0.1", self.to))
                self._lines += [line, onward]
                self._start(self._pump, line, onward, True)
                self._start(self._pump, onward, line, False)

    def _pump(self, source: socket.socket, sink: socket.socket, coming_in: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if coming_in and not self._go.is_set():
                    self.asked += 1
                    self._go.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


# ── servers ──

CODE = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"


class Server:
    """A command that listens, in its own process."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, *arguments],
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening "), f"{line!r}; see {log}"
        where = line.partition(";")[0].removesuffix("/twilio\n").rstrip()
        self.port = int(where.rpartition(":")[2])

    def send(self, request: WebRequest) -> Got:
        """Return the response to a web request."""
        query = f"?{request.query}" if request.query else ""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/twilio{request.path}{query}",
            data=request.body,
            headers=dict(request.headers),
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as got:
                return Got(got.status, got.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                return Got(refused.code)

    def kill(self) -> None:
        """Kill it at once."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Tell it to exit."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=60)
        self.log.close()


class Terminal:
    """`paperless-ivr call` on its own terminal (a pseudo-terminal)."""

    def __init__(self, *arguments: str) -> None:
        self._keyboard, keyboard = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, *arguments],
            stdin=keyboard,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.close(keyboard)
        self.printed = b""
        self._asked = 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._keyboard)

    def asks(self) -> None:
        """Wait until keys are asked for."""
        assert self.process.stdout is not None
        while self.printed.count(b"keys> ") <= self._asked:
            data = os.read(self.process.stdout.fileno(), 4096)
            assert data, f"it has ended: {self.printed.decode()}"
            self.printed += data

    def press(self, keys: str) -> None:
        """Press keys once they are asked for."""
        self.asks()
        self._asked += 1
        os.write(self._keyboard, f"{keys}\n".encode())

    def ends(self) -> tuple[int, list[str]]:
        """Return its status, and the last two lines."""
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, (self.printed + out).decode().splitlines()[-2:]


def serve_arguments(url: str, connection: Path, policy: Path = POLICY_FILE) -> Sequence[str]:
    """Return the arguments of `paperless-ivr serve`."""
    listening = ("serve", "--address", ADDRESS, "--host-url", HOST_URL, "--port", "0", *AT_ONCE)
    return (*listening, *_shared(url, connection, policy))


def agi_arguments(url: str, connection: Path, sounds: Path) -> Sequence[str]:
    """Return the arguments of `paperless-ivr agi`."""
    listening = (
        "agi",
        "--port",
        "0",
        "--sounds",
        str(sounds),
        "--sounds-in-asterisk",
        "paperless",
        *AT_ONCE,
    )
    return (*listening, *_shared(url, connection, POLICY_FILE))


def _shared(url: str, connection: Path, policy: Path) -> Sequence[str]:
    return ("--policy", str(policy), "--connection", str(connection), "--database", url)


@contextmanager
def running(log: Path, arguments: Sequence[str]) -> Iterator[Server]:
    """Provide a server that is stopped in the end."""
    server = Server(log, *arguments)
    try:
        yield server
    finally:
        server.stop()


def until(holds: object, seconds: float = 30.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)
