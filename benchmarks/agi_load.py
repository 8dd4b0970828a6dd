"""Concurrent live AGI calls, in real time, on one core: `python benchmarks/agi_load.py 500`.

The server runs in another process, limited to one core, with a back end that takes 200 ms per
request. This process acts as Asterisk: each call enrolls by keypad, playing a file takes 2 s, and
the caller presses a key one second after each question. The benchmark measures how long a call
waits for the next command after its reply, how much of the core the server uses, and the server's
memory before and after the calls. It does not include a database; calls_at_once.py does.
"""

import asyncio
import multiprocessing
import os
import re
import resource
import shlex
import statistics
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from attrs import evolve, frozen

from paperless_ivr.backends.demo import springfield
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import ServiceAnswer
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.agi.probe import BEYOND
from paperless_ivr.gateways.agi.server import FastAgi, Line
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.prompts import Catalog
from paperless_ivr.prompts.recorded import Recordings, bare, phrases
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores

POLICY = evolve(demo_policy(), text=evolve(Policy().text, after_enrolment=()))
BACK_END = 0.2
A_FILE = 2.0
THINKS = 1.0
VARIABLE = r"\$\{(\w+)\}"


@frozen
class Slow:
    """The demo service, with a delay of 200 ms."""

    operations = springfield().operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer after a delay."""
        time.sleep(BACK_END)
        return springfield(sleep=lambda _: None).answer(request, budget)


def serve(parent: Connection) -> None:
    """Run the server on one core."""
    os.sched_setaffinity(0, {0})
    files = {(p.language, bare(p.text)): p.file for p in phrases(POLICY)}
    sounds = Sounds(Catalog.of(POLICY), Recordings(Path(), files), "/sounds")
    import structlog  # noqa: PLC0415 - only the server needs it, to turn off its log

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    told: list[str] = []

    def line() -> Line:
        """Return a line with an empty record."""
        store = SeparateStores(MemoryRecord(), MemoryLiveCalls())
        driver = AsyncDriver(Setup(Flow(Terms(POLICY)), sounds.catalog, Slow(), store))
        return Line(POLICY.biller.id, sounds, driver.converse)

    async def run() -> None:
        server = FastAgi({}, lambda *what: told.append(str(what)))
        parent.send(await server.start(port=0))
        while (asked := await asyncio.to_thread(parent.recv)) != "end":
            if asked == "before":
                server.lines = {POLICY.biller.id: line()}
            parent.send((server.calls, time.process_time(), _memory(), list(told)))
        await server.close()

    asyncio.run(run())


def _memory() -> float:
    """Return the megabytes of memory that this process is using."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def call(port: int, number: int, waits: list[float]) -> str:
    """Run one call in real time, and return its disposition."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"agi_network: yes\nagi_uniqueid: {number}\nagi_callerid: 2175550101\n\n"
    writer.write(head.encode())
    variables = {"PAPERLESS_MOMENT": "before_payment", "PAPERLESS_LANGUAGE": "en-US"}
    keys = list("111371")
    replied = time.perf_counter()
    while line := await reader.readline():
        waits.append(time.perf_counter() - replied)
        words = line.decode().split()
        reply = "200 result=0"
        match words[:2]:
            case ["GET", "FULL"]:
                asked = shlex.split(line.decode())[3]
                value = re.sub(VARIABLE, lambda name: variables.get(name[1], ""), asked)
                reply = f"200 result=1 ({value})"
            case ["EXEC", "MSet"]:
                pairs = shlex.split(line.decode())[2].split(",")
                variables.update(pair.split("=", 1) for pair in pairs)
            case ["SET", "VARIABLE"]:
                reply = "200 result=1"
            case ["CHANNEL", "STATUS"]:
                reply = "200 result=6"
            case ["STREAM", _] if words[-1] == str(BEYOND):
                pass  # the file exists
            case ["STREAM", _]:
                await asyncio.sleep(A_FILE)
                reply = "200 result=0 endpos=16000"
            case ["SAY", _]:
                await asyncio.sleep(A_FILE / 2)
            case ["WAIT", _]:
                seconds = int(words[3]) / 1000
                presses = seconds >= THINKS and bool(keys)
                await asyncio.sleep(THINKS if presses else seconds)
                reply = f"200 result={ord(keys.pop(0)) if presses else 0}"
        writer.write(f"{reply}\n".encode())
        replied = time.perf_counter()
    writer.close()
    return variables.get("PAPERLESS_DISPOSITION", "none")


async def load(port: int, calls: int, ramp: float) -> tuple[list[str], list[float]]:
    """Run this many calls. Their starts are spread over `ramp` seconds, and then all are live."""
    waits: list[float] = []

    async def later(number: int) -> str:
        await asyncio.sleep(ramp * number / calls)
        return await call(port, number, waits)

    return await asyncio.gather(*(later(number) for number in range(calls))), waits


def main() -> None:
    """Run the load three times, to show whether the server's memory grows."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,))
    server.start()
    port = ours.recv()
    for attempt in (1, 2, 3):
        ours.send("before")
        _, cpu, memory, _ = ours.recv()
        began = time.perf_counter()
        dispositions, waits = asyncio.run(load(port, calls, 10.0))
        lasted = time.perf_counter() - began
        time.sleep(1)
        ours.send("after")
        live, cpu_then, memory_then, told = ours.recv()
        ended = {name: dispositions.count(name) for name in set(dispositions)}
        cuts = statistics.quantiles(waits, n=1000)
        print(
            f"{attempt}: {calls} calls in {lasted:.0f} s: {ended}, {len(told)} problems, "
            f"{live} still live; the next command came after "
            f"{statistics.median(waits) * 1000:.1f} ms (99.9 %: {cuts[-1] * 1000:.0f} ms); "
            f"{100 * (cpu_then - cpu) / lasted:.0f} % of a core; "
            f"{memory:.0f} MB before, {memory_then:.0f} MB after"
        )
    ours.send("end")
    server.join()


if __name__ == "__main__":
    main()
