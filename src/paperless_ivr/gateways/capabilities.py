"""Checks, before the first call, that an IVR runtime can do what a flow needs.

For each need, a gateway declares whether it is met by the runtime, emulated by the adapter, met
only in part, or not met at all. `check` compares these claims with the needs of a flow. If a
consent depends on a need, meeting it only in part is not enough. The rules (G01 …) are defined in
docs/gateway-contract.md.
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
    """How well a need is met."""

    MET = "met"
    """The runtime meets the need."""
    EMULATED = "emulated"
    """The adapter makes up for what the runtime lacks, with the same effect."""
    DEGRADED = "degraded"
    """The need is met only in part. Calls continue, but work less well."""
    REFUSED = "refused"
    """The need is not met."""


@frozen
class Claim:
    """How well, and by what means, a gateway meets one need."""

    how: How
    by: str = ""


MET = Claim(How.MET)


@frozen
class Capabilities:
    """A gateway's claims. The defaults are those of a gateway that meets every need."""

    gateway: str
    interrupted: Claim = MET
    """Reports which prompt was being spoken when the first key was pressed (G17, G18)."""
    flush: Claim = MET
    """Discards keys that were pressed before a turn began (G21)."""
    once: Claim = MET
    """Prevents a key that is delivered twice or late from answering another question (G31, G32)."""
    end_key_alone: Claim = MET
    """At a single-key question, distinguishes the end key alone from silence (G07)."""
    end_key_alone_in_entries: Claim = MET
    """In an entry of several keys, distinguishes the end key alone from silence (G07)."""
    no_end_key: Claim = MET
    """If a gather has no end key, treats `#` like any other key (G13)."""
    late_end_key: Claim = MET
    """Drops an end key right after a complete entry (G15)."""
    too_few: Claim = MET
    """Returns keys followed by silence, and distinguishes them from a complete entry (G08)."""
    two_waits: Claim = MET
    """Supports separate waits for the first key and for the keys after it (G11, G12)."""
    longest: int | None = None
    """The maximum number of keys in one gather, or None if there is no limit."""
    longest_wait: float | None = None
    """The longest wait for a key in seconds, or None if there is no limit."""
    barge_in: Claim = MET
    """Lets a key interrupt what is being spoken (G16)."""
    type_ahead: Claim = MET
    """At questions that allow type-ahead, counts keys pressed before the turn began (G20, G22)."""
    keys_while_waiting: Claim = MET
    """Keeps keys pressed while a request runs, and counts them later (G23)."""
    hang_up: Claim = MET
    """Notices a hang-up at any moment (G28)."""
    languages: frozenset[str] | None = None
    """The languages that can be spoken (BCP 47), or None if there is no limit."""
    transfer: Claim = MET
    """Transfers the caller to a person (G26)."""
    transfer_results: frozenset[TransferResult] = frozenset(TransferResult)
    """The transfer results that the gateway can report. Others are reported as UNKNOWN (G27)."""


@frozen
class Finding:
    """One need of a flow, and how well it is met."""

    need: str
    sentence: str
    """The rules of the contract that define the need."""
    how: How
    by: str = ""
    consent: bool = False
    """Whether a consent depends on the need. If so, the need must not be degraded."""

    def __str__(self) -> str:
        said = f"{self.need} ({self.sentence}): {self.how.value}"
        return f"{said}; {self.by}" if self.by else said


@frozen
class Report:
    """The needs of a flow, and how well a gateway meets each of them."""

    gateway: str
    findings: tuple[Finding, ...]

    def having(self, how: How) -> tuple[Finding, ...]:
        """Return the findings for the needs that are met to this degree."""
        return tuple(finding for finding in self.findings if finding.how is how)

    def __str__(self) -> str:
        return "\n".join([f"{self.gateway}:", *(f"  {finding}" for finding in self.findings)])


def check(flow: Flow, capabilities: Capabilities) -> Report:
    """Report how well a gateway meets the needs of a flow, before the first call.

    Raises GatewayProblems, with a list of all problems, if any need is refused.
    """
    report = Report(capabilities.gateway, tuple(_findings(flow, capabilities)))
    refused = report.having(How.REFUSED)
    if refused:
        title = f"{report.gateway} cannot run this flow"
        raise GatewayProblems(title, [_problem(finding) for finding in refused])
    return report


def _problem(finding: Finding) -> str:
    why = "; a consent depends on it, so it must not be degraded" if finding.consent else ""
    by = f" ({finding.by})" if finding.by else ""
    return f"{finding.sentence}: it needs to {finding.need}{by}{why}"


def _findings(flow: Flow, can: Capabilities) -> Iterator[Finding]:
    yield from _of_consent(can)
    yield from _of_keys(can)
    yield from _of_entries(flow, can)
    yield from _of_speech(flow, can)
    yield from _of_transfers(can)


def _of_consent(can: Capabilities) -> Iterator[Finding]:
    """Yield the needs that a consent depends on (R09)."""
    needs = (
        ("report which prompt was playing when a key was pressed", "G17, G18", can.interrupted),
        ("discard keys pressed before the question", "G21", can.flush),
        ("count a key only once if it is delivered twice or late", "G31, G32", can.once),
        ("distinguish # alone from silence at a single-key question", "G07", can.end_key_alone),
    )
    for need, sentence, claim in needs:
        how = How.REFUSED if claim.how is How.DEGRADED else claim.how
        yield Finding(need, sentence, how, claim.by, consent=True)


def _of_keys(can: Capabilities) -> Iterator[Finding]:
    needs = (
        ("distinguish # alone from silence in an entry", "G07", can.end_key_alone_in_entries),
        ("accept # as a key if a gather has no end key", "G13", can.no_end_key),
        ("return keys that were followed by silence", "G08", can.too_few),
        ("use separate waits for the first key and for later keys", "G11, G12", can.two_waits),
        ("drop an end key after a complete entry", "G15", can.late_end_key),
        ("let a key interrupt the prompts", "G16", can.barge_in),
        ("accept keys pressed ahead", "G20, G22", can.type_ahead),
        ("keep keys pressed while a request runs", "G23", can.keys_while_waiting),
        ("notice a hang-up at any moment", "G28", can.hang_up),
    )
    for need, sentence, claim in needs:
        yield Finding(need, sentence, claim.how, claim.by)


def _of_entries(flow: Flow, can: Capabilities) -> Iterator[Finding]:
    """Yield the needs of a policy's longest entry and longest wait."""
    gathers = tuple(_entries(flow))
    most = max(gather.max_keys for gather in gathers)
    enough = can.longest is None or can.longest >= most
    yield Finding(f"gather {most} keys", "G05", How.MET if enough else How.REFUSED)
    waits = flow.terms.policy.waits
    longest = max(waits.more_time, *(gather.first_key_wait for gather in gathers))
    patient = can.longest_wait is None or can.longest_wait >= longest
    yield Finding(f"wait {longest:g} seconds for a key", "G11", _or_worse(patient))


def _entries(flow: Flow) -> Iterator[Gather]:
    """Yield the gathers for all entries in a flow."""
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
    """Yield the needs for transfers. Without transfers, calls run as if no agent were free."""
    how = How.DEGRADED if can.transfer.how is How.REFUSED else can.transfer.how
    yield Finding("transfer the caller to a person", "G26", how, can.transfer.by)
    lacking = frozenset(TransferResult) - can.transfer_results - {TransferResult.UNKNOWN}
    names = ", ".join(sorted(result.value for result in lacking))
    by = f"cannot report {names}" if lacking else ""
    yield Finding("report the result of a transfer", "G27", _or_worse(not lacking), by)


def _or_worse(met: bool) -> How:
    return How.MET if met else How.DEGRADED
