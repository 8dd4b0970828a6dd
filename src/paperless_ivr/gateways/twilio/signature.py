"""The signatures on Twilio's requests.

The signed text is the URL that Twilio called, followed by the form's fields, sorted by name and
joined without any separators. The signature is the HMAC-SHA1 of this text, encoded in base64. Its
key is the account's auth token (https://www.twilio.com/docs/usage/webhooks/webhooks-security). Only
some of Twilio's servers include the port in the URL, so we try both variants, as Twilio's own
libraries do.
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
    """Return a request's signature. A field repeated with the same value counts once."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.digest(auth_token.reveal().encode(), text.encode(), "sha1")
    return b64encode(digest).decode()


def genuine(url: str, form: Form, given: str, auth_token: Secret) -> bool:
    """Whether this request was signed with the auth token. Compares in constant time."""
    fields = tuple(form)
    expected = [signature(variant, fields, auth_token) for variant in _variants(url)]
    alike = [hmac.compare_digest(given.encode(), known.encode()) for known in expected]
    return any(alike)


def _variants(url: str) -> Iterator[str]:
    """Yield a URL without its port, and then with it."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    yield parts._replace(netloc=host).geturl()
    yield parts._replace(netloc=f"{host}:{parts.port or PORTS[parts.scheme]}").geturl()
