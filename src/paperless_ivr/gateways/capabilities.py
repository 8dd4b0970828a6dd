"""What an IVR runtime can do of what a flow needs, compared before the first call.

A gateway says for each need whether its runtime does it, the adapter makes it up, it is done
worse, or not at all. `check` holds that against a flow: what touches consent is refused rather
than done worse. The sentences (G01 …) are those of docs/gateway-contract.md.
"""

import enum
from collections.abc import Iterator

from attrs import evolve, frozen

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.flow.events import TransferResult
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.flow.turns import Gather


class How(enum.Enum):
    """How well something is done."""

    MET = "met"
    """The runtime does it."""
    EMULATED = "emulated"
    """The adapter makes it up, and nobody can tell."""
    DEGRADED = "degraded"
    """It is done worse: the call goes on, less well."""
    REFUSED = "refused"
    """It is not done."""


@frozen
class Claim:
    """How a gateway does one thing, and by what, with its source."""

    how: How
    by: str = ""


MET = Claim(How.MET)


@frozen
class Capabilities:
    """What a gateway claims. The defaults are those of one that does all that is asked for."""

    gateway: str
    interrupted: Claim = MET
    """Tells which prompt was being spoken when the first key came (G17, G18)."""
    flush: Claim = MET
    """Throws keys away that were pressed before a turn began (G21)."""
    once: Claim = MET
    """A key that is delivered twice or late answers no other question (G31, G32)."""
    end_key_alone: Claim = MET
    """At a question of one key, the end key alone is told from silence (G07)."""
    end_key_alone_in_entries: Claim = MET
    """In an entry of several keys, the end key alone is told from silence (G07)."""
    no_end_key: Claim = MET
    """Where no key ends the keys, `#` is one of them (G13)."""
    late_end_key: Claim = MET
    """An end key just after as many keys as were asked for is dropped (G15)."""
    too_few: Claim = MET
    """Keys followed by silence are handed over, and told from a complete entry (G08)."""
    two_waits: Claim = MET
    """The waits for the first and for the next key are two (G11, G12)."""
    longest: int | None = None
    """The most keys of one gather; None where there is no limit."""
    longest_wait: float | None = None
    """The longest wait for a key in seconds; None where there is no limit."""
    barge_in: Claim = MET
    """A key interrupts what is being spoken (G16)."""
    type_ahead: Claim = MET
    """Keys pressed before a turn began count at questions that let them (G20, G22)."""
    keys_while_waiting: Claim = MET
    """Keys pressed while a request runs are such keys (G23)."""
    hang_up: Claim = MET
    """A caller who hangs up is noticed at any moment (G28)."""
    languages: frozenset[str] | None = None
    """The languages that can be spoken (BCP 47); None where there is no limit."""
    transfer: Claim = MET
    """Puts the caller through to a person (G26)."""
    transfer_results: frozenset[TransferResult] = frozenset(TransferResult)
    """What it can tell of a transfer; one that cannot tell says UNKNOWN (G27)."""


@frozen
class Finding:
    """One need of a flow, and how it is done."""

    need: str
    sentence: str
    """The sentences of the contract that say what it means."""
    how: How
    by: str = ""
    consent: bool = False
    """A consent rests on it: it is never done worse."""

    def __str__(self) -> str:
        said = f"{self.need} ({self.sentence}): {self.how.value}"
        return f"{said}; {self.by}" if self.by else said


@frozen
class Report:
    """What a flow needs, and how a gateway does each."""

    gateway: str
    findings: tuple[Finding, ...]

    def having(self, how: How) -> tuple[Finding, ...]:
        """What is done so."""
        return tuple(finding for finding in self.findings if finding.how is how)

    def __str__(self) -> str:
        return "\n".join([f"{self.gateway}:", *(f"  {finding}" for finding in self.findings)])


def check(flow: Flow, capabilities: Capabilities) -> Report:
    """How a gateway does what a flow needs, before the first call.

    GatewayProblems, with all of them at once, where anything is refused.
    """
    report = Report(capabilities.gateway, tuple(_findings(flow, capabilities)))
    refused = report.having(How.REFUSED)
    if refused:
        title = f"{report.gateway} cannot run this flow"
        raise GatewayProblems(title, [_problem(finding) for finding in refused])
    return report


def _problem(finding: Finding) -> str:
    why = "; a consent rests on it, so it may not be done worse" if finding.consent else ""
    by = f" ({finding.by})" if finding.by else ""
    return f"{finding.sentence}: it needs to {finding.need}{by}{why}"


def _findings(flow: Flow, can: Capabilities) -> Iterator[Finding]:
    yield from _of_consent(can)
    yield from _of_keys(can)
    yield from _of_entries(flow, can)
    yield from _of_speech(flow, can)
    yield from _of_transfers(can)


def _of_consent(can: Capabilities) -> Iterator[Finding]:
    """What a consent rests on (R09)."""
    needs = (
        ("tell which prompt a key came in", "G17, G18", can.interrupted),
        ("throw away keys pressed before the question", "G21", can.flush),
        ("take a key that comes twice or late only once", "G31, G32", can.once),
        ("tell the end key alone from silence at a question of one key", "G07", can.end_key_alone),
    )
    for need, sentence, claim in needs:
        how = How.REFUSED if claim.how is How.DEGRADED else claim.how
        yield Finding(need, sentence, how, claim.by, consent=True)


def _of_keys(can: Capabilities) -> Iterator[Finding]:
    needs = (
        ("tell the end key alone from silence in an entry", "G07", can.end_key_alone_in_entries),
        ("take # as a key where no key ends the keys", "G13", can.no_end_key),
        ("hand over keys that were followed by silence", "G08", can.too_few),
        ("wait differently for the first and for the next key", "G11, G12", can.two_waits),
        ("drop an end key after a complete entry", "G15", can.late_end_key),
        ("let a key interrupt the prompts", "G16", can.barge_in),
        ("take keys pressed ahead", "G20, G22", can.type_ahead),
        ("keep keys pressed while a request runs", "G23", can.keys_while_waiting),
        ("notice a hang-up at any moment", "G28", can.hang_up),
    )
    for need, sentence, claim in needs:
        yield Finding(need, sentence, claim.how, claim.by)


def _of_entries(flow: Flow, can: Capabilities) -> Iterator[Finding]:
    """The longest entry and the longest wait of a policy."""
    gathers = tuple(_entries(flow))
    most = max(gather.max_keys for gather in gathers)
    enough = can.longest is None or can.longest >= most
    yield Finding(f"gather {most} keys", "G05", How.MET if enough else How.REFUSED)
    waits = flow.terms.policy.waits
    longest = max(waits.more_time, *(gather.first_key_wait for gather in gathers))
    patient = can.longest_wait is None or can.longest_wait >= longest
    yield Finding(f"wait {longest:g} seconds for a key", "G11", _or_worse(patient))


def _entries(flow: Flow) -> Iterator[Gather]:
    """What each entry of a flow waits for."""
    policy = flow.terms.policy
    begun = flow.begin(Arrival("", policy.biller.id)).call
    by_keypad = Strategy.KEYPAD in policy.address.strategies
    for state in State:
        if flow.takes_several_keys(state) and (by_keypad or state.phase is not Phase.EMAIL):
            asked = flow.resumed(evolve(begun, state=state)).then
            assert isinstance(asked, Gather)
            yield asked


def _of_speech(flow: Flow, can: Capabilities) -> Iterator[Finding]:
    for language in flow.terms.policy.languages.offered:
        spoken = can.languages is None or language in can.languages
        yield Finding(f"speak {language}", "G02", How.MET if spoken else How.REFUSED)


def _of_transfers(can: Capabilities) -> Iterator[Finding]:
    """A gateway that has no transfers runs calls in which no person is available."""
    how = How.DEGRADED if can.transfer.how is How.REFUSED else can.transfer.how
    yield Finding("put the caller through to a person", "G26", how, can.transfer.by)
    lacking = frozenset(TransferResult) - can.transfer_results - {TransferResult.UNKNOWN}
    names = ", ".join(sorted(result.value for result in lacking))
    by = f"cannot tell {names}" if lacking else ""
    yield Finding("tell what became of a transfer", "G27", _or_worse(not lacking), by)


def _or_worse(met: bool) -> How:
    return How.MET if met else How.DEGRADED
