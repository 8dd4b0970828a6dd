"""Twilio's signature: ours is the same as that of Twilio's own library, and is refused alike."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from paperless_ivr import secret
from paperless_ivr.gateways.twilio.signature import genuine, signature

TOKEN = "12345"
SECRET = secret.credential(TOKEN)

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
names = st.text("ABCDEFabcdef_", min_size=1, max_size=10)
hosts = st.sampled_from(["example.com", "ivr.example.com", "127.0.0.1"])
ports = st.sampled_from(["", ":443", ":80", ":8443"])
paths = st.text("abc/", max_size=10).map(lambda path: f"/{path.strip('/')}")
queries = st.lists(st.tuples(names, names), max_size=3).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)


@st.composite
def urls(draw):
    """Draw URLs as a gateway has them."""
    scheme, query = draw(st.sampled_from(["https", "http"])), draw(queries)
    host = draw(hosts)
    return f"{scheme}://{host}{draw(ports)}{draw(paths)}" + (f"?{query}" if query else "")


class Form:
    """A form as web frameworks pass it to Twilio's library."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return iter({name for name, _ in self.pairs})

    def __len__(self):
        return len(self.pairs)

    def getall(self, name):
        """Return all values of a field."""
        return [value for known, value in self.pairs if known == name]


forms = st.lists(st.tuples(names, words), max_size=6)


def test_known_signature():
    """The example in Twilio's documentation, as its libraries test it."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    assert signature(url, form.items(), SECRET) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@settings(deadline=None)
@given(urls(), forms)
def test_ours_is_twilios(url, form):
    """Whatever is signed with the exact URL is accepted by both."""
    validator = RequestValidator(TOKEN)
    ours = signature(url, form, SECRET)

    assert ours == validator.compute_signature(url, Form(form))
    assert genuine(url, form, ours, SECRET) == validator.validate(url, Form(form), ours)
    assert genuine(url, form, ours, SECRET)


@settings(deadline=None)
@given(urls(), urls(), forms, forms, st.sampled_from([TOKEN, "54321"]))
def test_both_judge_alike(url, other, form, changed, token):
    """Both agree on a signature for another URL, another form, or with another token."""
    given_one = RequestValidator(token).compute_signature(other, Form(changed))
    expected = RequestValidator(TOKEN).validate(url, Form(form), given_one)

    assert genuine(url, form, given_one, SECRET) == expected


@settings(deadline=None)
@given(urls(), forms, st.text(max_size=40))
def test_what_is_made_up_is_refused(url, form, made_up):
    """What no one has signed is refused, whatever characters it has."""
    assert not genuine(url, form, made_up, SECRET)


@pytest.mark.parametrize("url", ["https://example.com/a", "http://example.com:80/a?b=c"])
def test_with_and_without_the_port(url):
    """Twilio's servers do not agree about the port, so both are accepted, but no other port is."""
    parts = urlsplit(url)
    port = 443 if parts.scheme == "https" else 80
    for netloc in ("example.com", f"example.com:{port}"):
        signed = signature(parts._replace(netloc=netloc).geturl(), (), SECRET)
        assert genuine(url, (), signed, SECRET)
    elsewhere = signature(parts._replace(netloc="example.com:8443").geturl(), (), SECRET)
    assert not genuine(url, (), elsewhere, SECRET)
