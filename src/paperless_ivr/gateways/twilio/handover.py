"""What the host hands over in the URL that it redirects a call to, and gets back in another.

Twilio signs the whole URL that it calls, so what stands in it is the host's word.
"""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import evolve

from paperless_ivr.errors import HostProblems, Rejected
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.host_strings import FROM_HOST, arrival_from_strings, handback_to_strings
from paperless_ivr.secret import Secret


def handed_over(
    call_id: str, biller: str, ani: Secret | None, dnis: str, query: Mapping[str, str]
) -> Arrival:
    """The arrival of a call; Rejected where what the host hands over cannot be read."""
    try:
        unknown = len(query.keys() - set(FROM_HOST))
        if unknown:
            raise HostProblems("", [f"names: {unknown} of them not known"])
        arrival = arrival_from_strings({**query, "call_id": call_id, "biller": biller})
        return evolve(arrival, ani=ani, dnis=dnis)
    except HostProblems as found:
        problems = "; ".join(found.problems)
    raise Rejected(400, f"what the host hands over cannot be read: {problems}")


def handed_back(url: str, handback: Handback, key: Secret) -> str:
    """The host's URL with what it gets back, signed.

    Names and codes, and the key that the caller meant for the host. Numbers and addresses are
    left out: URLs are logged on their way.
    """
    given = urlencode(handback_to_strings(handback, personal=False))
    full = f"{url}{'&' if urlsplit(url).query else '?'}{given}"
    return f"{full}&signature={_signature(urlsplit(full).query, key)}"


def read_handback(query: str, key: Secret) -> dict[str, str]:
    """What a host got back, from the query of its URL; Rejected where it is not ours.

    The names are those of `handback_to_strings`, and whatever the host's own URL holds.
    """
    told, _, given = query.rpartition("&signature=")
    if not hmac.compare_digest(given.encode(), _signature(told, key).encode()):
        raise Rejected(403, "the handback is not ours")
    return dict(parse_qsl(told, keep_blank_values=True))


def _signature(query: str, key: Secret) -> str:
    return hmac.digest(key.reveal().encode(), query.encode(), "sha256").hex()
