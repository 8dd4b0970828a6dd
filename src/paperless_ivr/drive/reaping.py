"""Ends calls that were hung up, taken back, or abandoned."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import structlog

from paperless_ivr.drive.releases import give_up
from paperless_ivr.drive.requests import RequestRunner
from paperless_ivr.drive.session import SavedSession, read
from paperless_ivr.errors import SavedCallError, UnknownCall
from paperless_ivr.flow.events import EndedBy
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.turns import Transfer
from paperless_ivr.records.port import SavedCall

log = structlog.get_logger("paperless_ivr")

Releases = Sequence[RequestRunner]
"""The releases that calls can run on, with the current one first."""

ENDED_FOR = timedelta(minutes=2)
"""How long the last document of an ended call is resent."""
ABANDONED = timedelta(minutes=10)
"""How long a call must be idle before it is presumed abandoned."""
TALK = timedelta(hours=4)
"""How long a conversation with an agent can last. The call is idle during that time."""


def owner(releases: Releases, saved: SavedSession) -> RequestRunner | None:
    """Return the runner for a call's release, or None if it is not among these releases."""
    having = (one for one in releases if one.setup.release == saved.call.host.edition)
    return next(having, None)


def hang_up(releases: Releases, call_id: str, by: EndedBy) -> None:
    """End a call, whatever its state. What the caller agreed to is still carried out.

    If the call's release is not among these, a change to a bill is deferred instead.
    """
    with suppress(UnknownCall):
        _end(releases, releases[0].load(call_id), by)


def reap(releases: Releases, abandoned: timedelta = ABANDONED) -> int:
    """End the biller's abandoned calls, and forget calls that have ended.

    Return the number of calls that were ended. At least one worker should do this about once a
    minute. Other billers' calls are not touched. Since a call on another release may be with an
    agent, it is ended only after it has been idle for longer than any conversation can last. If
    another version of the library saved a call and this version cannot read it, the call is left
    for a worker that can.
    """
    current, ended = releases[0], 0
    since = current.setup.clock() - min(ENDED_FOR, abandoned)
    calls = current.setup.store.calls
    biller = current.setup.flow.terms.policy.biller.id
    for call_id in current.runner.twice(lambda: calls.idle(since, biller)):
        try:
            ended += _reaped(releases, current.load(call_id), abandoned)
        except UnknownCall:
            pass
        except Exception as error:  # noqa: BLE001 - a failure in one call must not affect the others
            log.error("call.not_reaped", call=call_id, error=type(error).__name__)
    return ended


def any_live(releases: Releases) -> bool:
    """Whether any of the biller's calls on these releases is still in progress.

    Other workers handle calls on other releases, and calls that this version cannot read.
    """
    current = releases[0]
    biller = current.setup.flow.terms.policy.biller.id
    for call_id in current.setup.store.calls.idle(current.setup.clock(), biller):
        with suppress(UnknownCall, SavedCallError):
            saved = read(current.load(call_id))
            if saved.call.state.kind is not Kind.END and owner(releases, saved) is not None:
                return True
    return False


def _reaped(releases: Releases, stored: SavedCall, abandoned: timedelta) -> bool:
    """End a call if it was abandoned, or forget it if it is over. Return whether it was ended."""
    saved, current = read(stored), releases[0]
    if saved.call.host.biller != current.setup.flow.terms.policy.biller.id:
        return False
    age = current.setup.clock() - saved.asked
    if saved.call.state.kind is Kind.END:
        if age > ENDED_FOR:
            current.drop(stored.call_id)
        return False
    patience = TALK + abandoned
    if (runner := owner(releases, saved)) is not None:
        session = runner.session(stored, saved)
        if session.hung_up:
            patience = timedelta()
        elif not isinstance(session.turn.then, Transfer):
            patience = abandoned
    if age <= patience:
        return False
    # A call on a held channel has no document. If such a call is idle, its worker is gone.
    held = not stored.document
    _end(releases, stored, EndedBy.SERVER if held else EndedBy.CALLER)
    return True


def _end(releases: Releases, stored: SavedCall, by: EndedBy) -> None:
    saved, current = read(stored), releases[0]
    runner = owner(releases, saved)
    if runner is not None:
        runner.hang_up(stored, by)
    elif saved.call.state.kind is Kind.END:
        current.drop(stored.call_id)
    else:
        give_up(current.runner, stored, saved)
