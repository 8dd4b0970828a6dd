"""One town, one billing service, and one server of each kind for all tests of a process."""

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from paperless_ivr.cloudivr import serving
from paperless_ivr.flow.host import Moment
from paperless_ivr.prompts.recorded import LIST, phrases, table
from tests.cli.connections import connected
from tests.durability.town import plant
from tests.folders import in_memory
from tests.rim.callers import HandOver
from tests.rim.made import OTHER_POLICY_FILE, POLICY
from tests.rim.outside import (
    Breakable,
    Door,
    Server,
    agi_arguments,
    running,
    serve_arguments,
)

CUSTOMERS = 2000


@frozen
class World:
    """What the servers in these tests run with."""

    folder: Path
    door: Door
    service: serving.Service
    connection: Path
    numbers: "itertools.count[int]"

    def hand_over(self, moment: Moment) -> HandOver:
        """Return a customer who has not called yet."""
        return HandOver(next(self.numbers), moment)

    def record(self, name: str) -> str:
        """Return the URL of an SQLite file."""
        return f"sqlite:///{self.folder / name}.db"

    def log(self, name: str) -> Path:
        """Return the file for a server's log."""
        return self.folder / f"{name}.log"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder for a database."""
    with in_memory("rim-") as made:
        yield made


@pytest.fixture(scope="session")
def _shared_folder() -> Iterator[Path]:
    with in_memory("rim-") as made:
        yield made


@pytest.fixture(scope="session")
def world(_shared_folder: Path) -> Iterator[World]:
    """A town with no one enrolled, its billing service, and a door in front of that."""
    folder = _shared_folder
    url = f"sqlite:///{folder / 'cloudivr.db'}"
    plant(url, CUSTOMERS)
    with serving.running(url, seed=False, daily_messages=1000) as service:
        logging.getLogger("sqlalchemy.engine.Engine.cloudivr").setLevel(logging.WARNING)
        door = Door(int(service.url.rpartition(":")[2]))
        door.open()
        try:
            address = f"http://127.0.0.1:{door.port}/CloudIVR.asmx"
            connection = connected(folder, address, circuit_failures=1_000_000)
            yield World(folder, door, service, connection, itertools.count())
        finally:
            door.close()


@pytest.fixture(scope="session")
def sounds(world: World) -> Path:
    """A folder in which every phrase has a file."""
    folder = world.folder / "sounds"
    wanted = phrases(POLICY)
    folder.mkdir()
    (folder / LIST).write_text(table(wanted), encoding="utf-8")
    for phrase in wanted:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def _web_server(world: World) -> Iterator[Server]:
    with running(world.log("web"), serve_arguments(world.record("shared"), world.connection)) as up:
        yield up


@pytest.fixture(scope="session")
def _other_server(world: World, _web_server: Server) -> Iterator[Server]:
    arguments = serve_arguments(world.record("shared"), world.connection, OTHER_POLICY_FILE)
    with running(world.log("other"), arguments) as up:
        yield up


@pytest.fixture(scope="session")
def _agi_server(world: World, _web_server: Server, sounds: Path) -> Iterator[Server]:
    arguments = agi_arguments(world.record("shared"), world.connection, sounds)
    with running(world.log("agi"), arguments) as up:
        yield up


@pytest.fixture
def database(world: World, _web_server: Server) -> Iterator[Breakable]:
    """The database of the running servers. Whatever a test breaks is repaired afterward."""
    made = Breakable(world.record("shared"))
    yield made
    made.mend()
    made.close()
    world.door.open()


@pytest.fixture
def web(database: Breakable, _web_server: Server) -> Server:
    """A running `paperless-ivr serve`."""
    return _web_server


@pytest.fixture
def other_release(database: Breakable, _other_server: Server) -> Server:
    """Another one on the same database, with a different policy."""
    return _other_server


@pytest.fixture
def agi(database: Breakable, _agi_server: Server) -> Server:
    """A running `paperless-ivr agi` on the same database."""
    return _agi_server
