"""Runs each call in the calling thread, on a runtime that holds the channel."""

from concurrent.futures import ThreadPoolExecutor, wait

from attrs import field, frozen

from paperless_ivr.drive.protocol import Move, OnRecord, Send, converse
from paperless_ivr.drive.runner import Asking, CallRunner, Setup, Silence, handback_of
from paperless_ivr.flow.events import Event, HungUp, ServiceAnswer
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import SessionGateway


@frozen
class Driver:
    """Runs each call in the calling thread, and sends requests to the service in other threads."""

    setup: Setup
    _runner: CallRunner = field(init=False, repr=False)
    _pool: ThreadPoolExecutor = field(init=False, repr=False)

    @_runner.default
    def _make_runner(self) -> CallRunner:
        return CallRunner(self.setup)

    @_pool.default
    def _make_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.setup.at_once, thread_name_prefix="service")

    def converse(self, gateway: SessionGateway, arrival: Arrival) -> Handback:
        """Run a call from its arrival to its end, and return the hand-back. Never raises."""
        try:
            return self._converse(gateway, arrival)
        except Exception as error:  # noqa: BLE001 - the host gets the call back
            return self._runner.broken_off(arrival, error)

    def _converse(self, gateway: SessionGateway, arrival: Arrival) -> Handback:
        runner, setup = self._runner, self.setup
        silence = Silence(setup.budgets.reassure)
        session = silence.kept(runner.commit_or_go_on, runner.arrived(arrival))
        steps = converse(
            session, runner.advance, lambda request: setup.budget(request, silence.so_far)
        )
        reply: object = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                return handback_of(done.value)
            match step:
                case Turn():
                    reply = self._perform(gateway, step)
                    silence.goes_on_or_begins(step)
                case OnRecord(request):
                    reply = silence.kept(runner.on_record, request, session)
                case Send():
                    reply = self._send(step, gateway, silence)
                case Move():
                    reply = session = silence.kept(runner.commit_or_go_on, step)

    def _perform(self, gateway: SessionGateway, turn: Turn) -> Event | None:
        try:
            return gateway.perform(turn, self._runner.language(turn))
        except Exception as error:  # noqa: BLE001 - the host gets the call back
            return self._runner.gateway_failed(turn, error)

    def _send(
        self, step: Send, gateway: SessionGateway, silence: Silence
    ) -> ServiceAnswer | HungUp:
        """Return the answer within the budget, and reassure the caller in the meantime.

        If the caller hangs up, a read ends immediately, but a write is still awaited.
        """
        asking = Asking(self._runner, step, self._pool, silence)
        while True:
            wait([asking.answering], asking.wait)
            if asking.answering.done():
                return asking.answering.result()
            came = asking.waited()
            if isinstance(came, ServiceAnswer):
                return came
            if came is not None:
                did = self._perform(gateway, came)
                if asking.heeding and isinstance(did, HungUp):
                    asking.answering.cancel()  # do not send the request if no one waits for it
                    return did
