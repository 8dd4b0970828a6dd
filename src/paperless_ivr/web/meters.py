"""Metrics for Prometheus. They consist of names and numbers, and never identify a call."""

from collections.abc import Callable, Mapping

from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.recorder import way_turned_to
from paperless_ivr.drive.runner import handback_of
from paperless_ivr.flow.call import Call, Purpose
from paperless_ivr.flow.events import CustomersFound, Digits, HungUp, ServiceAnswer
from paperless_ivr.flow.host import Reason
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.flow.states import State


class Meters:
    """Counts calls, requests, and the service's answers, in its own registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._begun = Counter(
            "paperless_ivr_calls_begun",
            "Calls that hosts handed over and that began a flow, by moment.",
            ["moment"],
            registry=registry,
        )
        self._ended = Counter(
            "paperless_ivr_calls_ended",
            "Calls that have ended, by disposition and reason.",
            ["disposition", "reason"],
            registry=registry,
        )
        self._given_back = Counter(
            "paperless_ivr_calls_given_back",
            "Calls that `serve` gave back because their flow could not continue, by reason: "
            "record_down, busy, call_lost, server_stopped.",
            ["reason"],
            registry=registry,
        )
        self._live = Gauge(
            "paperless_ivr_calls_live",
            "Calls begun minus calls ended; only the sum over all servers is meaningful. "
            "A call that was given back counts until it is cleaned up, ten minutes later.",
            registry=registry,
        )
        self._requests = Histogram(
            "paperless_ivr_request_seconds",
            "Seconds until a web request was answered, by its path and status.",
            ["path", "status"],
            registry=registry,
        )
        self._answers = Counter(
            "paperless_ivr_service_answers",
            "Answers from the billing service, by operation and class; NobodyFound means "
            "that a search found no one, and `raised` means that the back end raised an exception.",
            ["operation", "answer"],
            registry=registry,
        )
        self._circuit = Gauge(
            "paperless_ivr_service_circuit_open",
            "1 while no requests are sent to the service, because it did not answer earlier ones.",
            registry=registry,
        )
        self._no_access = Gauge(
            "paperless_ivr_service_access_refused",
            "1 if the service refused our credentials when it last answered.",
            registry=registry,
        )
        self._ready = Gauge(
            "paperless_ivr_ready",
            "1 if `/ready` returned 200 when it was last polled. Only polling `/ready` updates it.",
            registry=registry,
        )
        self._left = Counter(
            "paperless_ivr_relay",
            "Items that the relay worked on, by outcome, with the abandoned calls that it ended "
            "(taken_up) and the rounds in which the record failed (record_down); given_up starts "
            "at 0, so that an alert can catch the first one.",
            ["came_to"],
            registry=registry,
        )
        self._links = Counter(
            "paperless_ivr_link_waits",
            "Texted links that callers stayed on the line to open, by how the wait ended: "
            "opened, not_opened, unclear, went_on, hung_up.",
            ["came_to"],
            registry=registry,
        )
        self._ways = Counter(
            "paperless_ivr_ways",
            "How often each way of getting an address was offered, and how often it was used to "
            "enroll.",
            ["way", "came_to"],
            registry=registry,
        )

    def circuit(self, is_open: Callable[[], bool]) -> None:
        """Set the function that returns whether the service's circuit is open."""
        self._circuit.set_function(is_open)

    def access(self, is_refused: Callable[[], bool]) -> None:
        """Set the function that returns whether the service refuses our credentials."""
        self._no_access.set_function(is_refused)

    def ready(self, well: bool) -> None:
        """Record whether the server can take new calls."""
        self._ready.set(well)

    def worked(self, came_to: Mapping[str, int]) -> None:
        """Add the outcomes of one relay round to the count."""
        for what, number in came_to.items():
            self._left.labels(what).inc(number)

    def moved(self, move: Move) -> None:
        """Count a call that has begun or ended, and what happened in it."""
        if move.before is None:
            self._begun.labels(move.after.call.host.moment.value).inc()
            self._live.inc()
        else:
            self._answered(move, move.before.call, move.after.call)
        if move.after.over:
            back = handback_of(move.after)
            self._ended.labels(back.disposition.value, back.reason.value).inc()
            self._live.dec()

    def _answered(self, move: Move, before: Call, after: Call) -> None:
        if came_to := wait_ended(move):
            self._links.labels(came_to).inc()
        if way := way_turned_to(before, after):
            self._ways.labels(way.value, "offered").inc()
        for consent in after.consents[len(before.consents) :]:
            if consent.purpose is Purpose.ENROLL and after.contact.source:
                self._ways.labels(after.contact.source.way.value, "taken").inc()

    def gave_back(self, reason: Reason) -> None:
        """Count a call that was given back because its flow could not continue."""
        self._given_back.labels(reason.value).inc()

    def requested(self, path: str, status: int, seconds: float) -> None:
        """Count a web request that was answered."""
        self._requests.labels(path, str(status)).observe(seconds)

    def answered(self, operation: str, answer: str) -> None:
        """Count an answer from the service."""
        self._answers.labels(operation, answer).inc()

    def page(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)


WAITS = (State.LINK_WAIT, State.LINK_CHECK)


def wait_ended(move: Move) -> str | None:
    """Return how a wait for a texted link ended, or None. A transfer does not end the wait."""
    assert move.before is not None
    before, after = move.before.call, move.after.call
    if before.state not in WAITS or after.state in (*WAITS, State.TRANSFERRING):
        return None
    match move.event:
        case HungUp():
            return "hung_up"
        case Digits():
            return "went_on"
        case CustomersFound():
            return "not_opened" if before.results == after.results else "opened"
        case _:
            return "unclear"


@frozen
class MeteredBackend:
    """A wrapper for a back end that counts its answers."""

    backend: Backend
    meters: Meters

    @property
    def operations(self) -> frozenset[str]:
        """The names of the service's operations."""
        return self.backend.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Return the back end's answer within `budget` seconds, and count it."""
        told = "raised"
        try:
            answer = self.backend.answer(request, budget)
            nobody = answer == CustomersFound(())
            told = "NobodyFound" if nobody else type(answer).__name__
        finally:
            self.meters.answered(type(request).__name__, told)
        return answer
