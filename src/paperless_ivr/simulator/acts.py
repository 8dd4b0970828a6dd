"""The user's actions on a simulation, with one function for each action."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import evolve

from paperless_ivr.flow.events import TransferResult
from paperless_ivr.flow.host import Moment
from paperless_ivr.simulator.line import Delivery, Pressed
from paperless_ivr.simulator.simulation import ALL, Simulation
from paperless_ivr.simulator.world import Fault

Body = Mapping[str, Any]


async def scenario(simulation: Simulation, body: Body) -> None:
    """Choose the caller, policy, moment, and language, and whether an agent is free."""
    now = simulation.scenario
    policy = str(body.get("policy", now.policy))
    offered = simulation.shelf[policy].reading.policy.languages
    language = body.get("language", now.language)
    if language not in offered.offered and language != "ask":
        language = offered.default
    simulation.scenario = evolve(
        now,
        caller=str(body.get("caller", now.caller)),
        policy=policy,
        moment=Moment(body.get("moment", now.moment.value)),
        language=None if language == "ask" else language,
        person=bool(body.get("person", now.person)),
    )


async def call(simulation: Simulation, _: Body) -> None:
    """Start a call. A call that is in progress is abandoned."""
    await simulation.call()


async def key(simulation: Simulation, body: Body) -> None:
    """Press a key; "" means the caller stays silent."""
    pressed = str(body["key"])
    if pressed not in (*"0123456789*#", ""):
        raise ValueError(pressed)
    heard = body.get("heard")
    if simulation.line is not None:
        at = None if heard is None else int(heard)
        simulation.line.press(Pressed(pressed, int(body["speech"]), at))


async def spoken(simulation: Simulation, body: Body) -> None:
    """Note that the page has finished speaking an announcement."""
    if simulation.line is not None:
        simulation.line.spoken(int(body["speech"]))


async def transfer(simulation: Simulation, body: Body) -> None:
    """Report whether an agent took the call."""
    if simulation.line is not None:
        simulation.line.transferred(TransferResult(body["result"]))


async def hang_up(simulation: Simulation, _: Body) -> None:
    """Hang up."""
    if simulation.line is not None:
        simulation.line.hang_up()


async def fault(simulation: Simulation, body: Body) -> None:
    """Make the service or the record fail or work, or change how the next answer arrives."""
    if "service" in body:
        simulation.let_service(Fault(body["service"]))
    if "record" in body:
        simulation.let_record(lost=body["record"] == "lost")
    if "key" in body and simulation.line is not None:
        simulation.line.delivery = Delivery(body["key"])


async def rewind(simulation: Simulation, body: Body) -> None:
    """Go back to a turn."""
    await simulation.rewind(int(body["stop"]))


async def take(simulation: Simulation, body: Body) -> None:
    """Switch to the end of a take."""
    await simulation.choose(int(body["number"]))


async def reveal(simulation: Simulation, body: Body) -> None:
    """Reveal or hide one masked item, or all. Hiding all also hides items revealed one by one."""
    if not simulation.may_reveal:
        raise ValueError("Revealing is off: the simulator is not on loopback.")
    what = str(body.get("what", ALL))
    if body["on"]:
        simulation.revealed.add(what)
    elif what == ALL:
        simulation.revealed.clear()
    else:
        simulation.revealed.discard(what)


ACTS: Mapping[str, Callable[[Simulation, Body], Awaitable[None]]] = {
    act.__name__: act
    for act in (
        scenario,
        call,
        key,
        spoken,
        transfer,
        hang_up,
        fault,
        rewind,
        take,
        reveal,
    )
}
