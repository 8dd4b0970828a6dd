"""Calls between requests: taken from the store, moved, and put back with their documents."""

from collections.abc import Callable
from secrets import token_hex

from attrs import evolve, field, frozen

from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.clerk import Clerk
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

    driver: Driver
    gateway: DocumentGateway
    tickets: Tickets = field(repr=False)
    began: Callable[[Arrival], None] | None
    ended: Callable[[Handback], None] | None

    def turn(self, at: Suspended) -> Turn:
        """What a call says and waits for."""
        return self.driver.flow.turn(at.live.call)

    def load(self, call_id: str) -> Suspended:
        """A call as it was last saved; UnknownCall where there is none."""
        return load(self.driver.calls.load(call_id))

    def begin(self, arrival: Arrival, if_turn: int | None) -> Suspended:
        """A call from its beginning; StaleCall where it stands there otherwise."""
        turn = self.driver.flow.begin(arrival)
        live = Live(turn.call, (if_turn or 0) + 1)
        at = self.save(Suspended(live, token_hex(8), self.driver.clock()), if_turn)
        clerk = self.clerk(at)
        clerk.arrived()
        if self.began is not None:
            self.began(arrival)
        self._spoken(clerk, at, turn)
        return at

    def move(self, at: Suspended, event: Event) -> Suspended:
        """The call after an event; StaleCall where somebody else moved it first.

        It is saved before it is told of, so that nothing is told twice. A consent's evidence is
        saved with it, and goes on record with the write that it allows.
        """
        then = self.turn(at).then
        live, turn = deliver(self.driver.flow, at.live, at.live.token, event)
        clerk = self.clerk(at)
        clerk.witness.hears(at.live, turn)
        still = isinstance(event, HungUp) and turn.then == then
        evidence = dict(clerk.witness.evidence)
        moved = Suspended(
            live, at.handover, self.driver.clock(), evidence, at.claim if still else None
        )
        moved = self.save(moved, at.live.turn)
        clerk.do(Moved(at.live, event, turn))
        self._spoken(clerk, moved, turn)
        return moved

    def save(self, at: Suspended, if_turn: int | None) -> Suspended:
        """Stores a call with the document of its turn."""
        turn = self.turn(at)
        if at.claim is not None:  # the words were spoken before it was claimed
            turn = evolve(turn, say=())
        at = evolve(at, document=self.written(at, turn))
        self.driver.calls.save(dump(at), if_turn)
        return at

    def written(self, at: Suspended, turn: Turn) -> str:
        """A turn as a document, with the tokens of where the call is."""

        def sign(heard: int | None) -> str:
            call_id = turn.call.host.call_id
            return self.tickets.sign(Ticket(call_id, at.handover, at.live.turn, heard))

        return self.gateway.write(turn, sign, Scene(turn.call, self.driver.flow.terms).language)

    def clerk(self, at: Suspended) -> Clerk:
        """Who does the steps of a call that the caller has no part in."""
        driver = self.driver
        witness = Witness(
            arrival=at.live.call.host,
            record=driver.record,
            catalogue=driver.catalogue,
            policy_version=driver.flow.terms.policy.about.version,
            clock=driver.clock,
            evidence=dict(at.evidence),
            asked=(self.turn(at), at.asked),
        )
        return Clerk(driver, witness)

    def _spoken(self, clerk: Clerk, at: Suspended, turn: Turn) -> None:
        """Notes what the caller is about to hear, and the end."""
        gone = turn.call.results.hung_up
        if not gone:
            clerk.asks(turn)
        if isinstance(turn.then, Return):
            handback = clerk.ended(at.live)
            if self.ended is not None:
                self.ended(handback)
            if gone:  # nobody asks for its document any more
                self.driver.calls.drop(clerk.call_id)
