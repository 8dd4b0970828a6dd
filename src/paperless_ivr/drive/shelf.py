"""Calls between requests: taken from the store, moved, and put back with their documents."""

from collections.abc import Callable

from attrs import evolve, field, frozen

from paperless_ivr.drive.attendant import Attendant, Setup
from paperless_ivr.drive.conduct import Moved
from paperless_ivr.drive.live import Live, deliver
from paperless_ivr.drive.suspended import Suspended, dump, load
from paperless_ivr.drive.tickets import Ticket, Tickets
from paperless_ivr.drive.witness import Witness
from paperless_ivr.flow.events import Event, HungUp
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.scene import Scene
from paperless_ivr.flow.turns import Return, Turn
from paperless_ivr.gateways.port import DocumentGateway


@frozen
class Shelf:
    """The calls of one runtime in the store. Who saves a turn first has moved the call."""

    setup: Setup
    gateway: DocumentGateway
    tickets: Tickets = field(repr=False)
    began: Callable[[Arrival], None] | None
    ended: Callable[[Handback], None] | None

    def turn(self, at: Suspended) -> Turn:
        """What a call says and waits for."""
        return self.setup.flow.turn(at.live.call)

    def load(self, call_id: str) -> Suspended:
        """A call as it was last saved; UnknownCall where there is none."""
        return load(self.setup.calls.load(call_id))

    def begin(self, arrival: Arrival, if_turn: int | None) -> Suspended:
        """A call from its beginning; StaleCall where it stands there otherwise."""
        turn = self.setup.flow.begin(self.setup.received(arrival))
        live = Live(turn.call, (if_turn or 0) + 1)
        at = self.save(Suspended(live, self.setup.clock()), if_turn)
        attendant = self.attendant(at)
        attendant.arrived(turn)
        if self.began is not None:
            self.began(arrival)
        self._spoken(attendant, at, turn)
        return at

    def move(self, at: Suspended, event: Event) -> Suspended:
        """The call after an event; StaleCall where somebody else moved it first.

        It is saved before it is told of, so that nothing is told twice. A consent's evidence is
        saved with it, and goes on record with the write that it allows.
        """
        then = self.turn(at).then
        live, turn = deliver(self.setup.flow, at.live, at.live.token, event)
        attendant = self.attendant(at)
        attendant.witness.hears(at.live, live.call)
        still = isinstance(event, HungUp) and turn.then == then
        evidence = dict(attendant.witness.evidence)
        moved = Suspended(live, self.setup.clock(), evidence, at.claim if still else None)
        moved = self.save(moved, at.live.turn)
        attendant.note(Moved(at.live, event, turn))
        self._spoken(attendant, moved, turn)
        return moved

    def save(self, at: Suspended, if_turn: int | None) -> Suspended:
        """Stores a call with the document of its turn."""
        turn = self.turn(at)
        if at.claim is not None:  # the words were spoken before it was claimed
            turn = evolve(turn, say=())
        at = evolve(at, document=self.written(at, turn))
        self.setup.calls.save(dump(at), if_turn)
        return at

    def written(self, at: Suspended, turn: Turn) -> str:
        """A turn as a document, with the tokens of where the call is."""

        def sign(heard: int | None) -> str:
            host = turn.call.host
            return self.tickets.sign(Ticket(host.call_id, host.handover, at.live.turn, heard))

        return self.gateway.write(turn, sign, Scene(turn.call, self.setup.flow.terms).language)

    def attendant(self, at: Suspended) -> Attendant:
        """Who attends to a call where it is."""
        setup, arrival = self.setup, at.live.call.host
        witness = Witness(
            arrival=arrival,
            record=setup.record,
            catalogue=setup.catalogue,
            policy_version=setup.flow.terms.policy.about.version,
            clock=setup.clock,
            evidence=dict(at.evidence),
            asked=(self.turn(at), at.asked),
        )
        return Attendant(setup, arrival, witness)

    def _spoken(self, attendant: Attendant, at: Suspended, turn: Turn) -> None:
        """Notes what the caller is about to hear, and the end."""
        gone = turn.call.results.hung_up
        if not gone:
            attendant.asks(turn)
        if isinstance(turn.then, Return):
            handback = attendant.given_back(at.live)
            if self.ended is not None:
                self.ended(handback)
            if gone:  # nobody asks for its document any more
                self.setup.calls.drop(attendant.arrival.call_id)
