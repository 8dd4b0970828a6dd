"""The pages that people see: what a link is for, what became of it, what the service is."""

from collections.abc import Iterable, Mapping

from attrs import frozen
from markupsafe import Markup

from paperless_ivr.cloudivr.links import Opened, Standing

_PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 36rem;
        padding: 0 1rem }}
button, input {{ font: inherit; padding: .5rem 1rem }}
label, input {{ display: block; margin-bottom: .5rem }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
""")
_PARAGRAPH = Markup("<p>{}</p>\n")
_FORM = Markup('<form method="post">\n{field}<button>Switch to paperless billing</button>\n</form>')
_FIELD = Markup(
    '<label for="email">E-mail address for your bills</label>\n'
    '<input id="email" name="EmailAddress" type="email" autocomplete="email" required>\n'
)
_ITEM = Markup("<li>{}</li>\n")
_LIST = Markup("<ul>\n{}</ul>\n")


@frozen
class Words:
    """What a page of a link says, and the HTTP status that it comes with."""

    status: int
    title: str
    paragraphs: tuple[str, ...]


_ASK = (
    "From your next bill on, {biller} sends you the {bill} electronically, and none on paper.",
    "You can go back to paper at any time, free of charge: call {biller}.",
    "You need a program that shows PDF files.",
    "Notices that service may be shut off still come on paper.",
)
_AGAIN = "Nothing was changed. Call {biller} if you would like a new link."

WORDS: Mapping[Standing, Words] = {
    Standing.OPEN: Words(200, "Paperless billing: {bill}", _ASK),
    Standing.BAD_EMAIL: Words(
        422, "Paperless billing: {bill}", ("That is not an e-mail address; please check.", *_ASK)
    ),
    Standing.DONE: Words(
        200,
        "You are set up",
        ("From now on the {bill} from {biller} comes electronically. You can close this page.",),
    ),
    Standing.USED: Words(
        410, "This link was used", ("The {bill} from {biller} was set up with it before.",)
    ),
    Standing.EXPIRED: Words(410, "This link has expired", (_AGAIN,)),
    Standing.REPLACED: Words(
        410, "This link was replaced", ("A newer link was sent to you: please use that one.",)
    ),
    Standing.CANCELLED: Words(
        410, "This link was cancelled", ("The {bill} from {biller} stays on paper.",)
    ),
    Standing.UNKNOWN: Words(
        404, "This link is not known", ("Please check that you have copied the whole of it.",)
    ),
    Standing.FAILED: Words(
        500, "Something went wrong", ("Nothing was changed. Please try again later.",)
    ),
}


def link_page(opened: Opened) -> tuple[int, str]:
    """The page of a link, and its HTTP status."""
    words = WORDS[opened.standing]
    gaps = {"biller": opened.biller, "bill": opened.bill}
    body = _paragraphs(paragraph.format(**gaps) for paragraph in words.paragraphs)
    if opened.standing in (Standing.OPEN, Standing.BAD_EMAIL):
        body += _FORM.format(field=_FIELD if opened.asks_email else "")
    return words.status, page(words.title.format(**gaps), body)


def service_page(operations: Iterable[str]) -> str:
    """What somebody sees who opens the service's address in a browser."""
    body = _paragraphs(["The following operations are supported; see the contract (?WSDL)."])
    body += _LIST.format(Markup("").join(_ITEM.format(name) for name in operations))
    body += _PARAGRAPH.format("This is a reference service with made-up data.")
    return page("CloudIVR", body)


def page(title: str, body: str) -> str:
    """A page. What is no markup is escaped."""
    return _PAGE.format(title=title, body=body)


def _paragraphs(texts: Iterable[str]) -> Markup:
    return Markup("").join(_PARAGRAPH.format(text) for text in texts)
