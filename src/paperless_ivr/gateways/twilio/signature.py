"""Twilio's signature of its requests.

https://www.twilio.com/docs/usage/webhooks/webhooks-security: the URL as Twilio called it, then
each field of the form, sorted by name, name and value with nothing between; HMAC-SHA1 of that
with the account's auth token, in base64. Whether the port is in the URL varies with Twilio's
servers, so it is tried with and without, as Twilio's own libraries do.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from paperless_ivr.secret import Secret

HEADER = "x-twilio-signature"

Form = Iterable[tuple[str, str]]
PORTS = {"http": 80, "https": 443}


def signature(url: str, form: Form, auth_token: Secret) -> str:
    """The signature of a request. A field that comes twice with one value counts once."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.digest(auth_token.reveal().encode(), text.encode(), "sha1")
    return b64encode(digest).decode()


def genuine(url: str, form: Form, given: str, auth_token: Secret) -> bool:
    """Whether who knows the auth token has sent this request. In constant time."""
    fields = tuple(form)
    expected = [signature(variant, fields, auth_token) for variant in _variants(url)]
    alike = [hmac.compare_digest(given.encode(), known.encode()) for known in expected]
    return any(alike)


def _variants(url: str) -> Iterator[str]:
    """A URL without its port, and with it."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    yield parts._replace(netloc=host).geturl()
    yield parts._replace(netloc=f"{host}:{parts.port or PORTS[parts.scheme]}").geturl()
