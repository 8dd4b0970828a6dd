"""The web pages: the pages of a link, and a page that describes the service."""

from collections.abc import Iterable, Mapping

from markupsafe import Markup

from paperless_ivr.cloudivr.links import Opened
from paperless_ivr.cloudivr.words import WORDS, Standing

_PAGE = Markup("""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light }}
body {{ background: #fff; color: #1a1a1a; font: 1.125rem/1.6 system-ui, sans-serif;
        margin: 0 auto; max-width: 36rem; overflow-wrap: break-word; padding: 1rem }}
h1 {{ font-size: 1.5rem; line-height: 1.3 }}
button, input {{ border: 2px solid #0b4f8a; border-radius: .5rem; box-sizing: border-box;
                 font: inherit; min-height: 3rem; padding: .5rem 1rem; width: 100% }}
button {{ background: #0b4f8a; color: #fff; font-weight: bold }}
:focus-visible {{ outline: 3px solid #b35900; outline-offset: 2px }}
label, input {{ display: block; margin-bottom: .75rem }}
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
_FORM = Markup('<form method="post">\n{field}<button>{button}</button>\n</form>')
_FIELD = Markup(
    '<label for="email">{label}</label>\n'
    '<input id="email" name="EmailAddress" type="email" autocomplete="email" required>\n'
)
_ITEM = Markup("<li>{}</li>\n")
_LIST = Markup("<ul>\n{}</ul>\n")


STATUS: Mapping[Standing, int] = {
    Standing.OPEN: 200,
    Standing.BAD_EMAIL: 422,
    Standing.DONE: 200,
    Standing.USED: 410,
    Standing.EXPIRED: 410,
    Standing.REPLACED: 410,
    Standing.CANCELED: 410,
    Standing.UNKNOWN: 404,
    Standing.FAILED: 500,
}
"""The HTTP status of each page."""


def link_page(opened: Opened) -> tuple[int, str]:
    """Return the HTTP status and the HTML of a link's page."""
    words = WORDS[opened.language]
    said = words.pages[opened.standing]
    gaps = {
        "biller": opened.biller,
        "bill": opened.bill,
        "on_paper": words.on_paper(opened.bills_still_on_paper),
    }
    body = _paragraphs(paragraph.format(**gaps) for paragraph in said.paragraphs)
    if opened.standing in (Standing.OPEN, Standing.BAD_EMAIL):
        field = _FIELD.format(label=words.email_label) if opened.asks_email else ""
        body += _FORM.format(field=field, button=words.button)
    return STATUS[opened.standing], page(said.title.format(**gaps), body, opened.language)


def service_page(operations: Iterable[str]) -> str:
    """Return the page shown when the service's URL is opened in a browser."""
    body = _paragraphs(["The following operations are supported; see the contract (?WSDL)."])
    body += _LIST.format(Markup("").join(_ITEM.format(name) for name in operations))
    body += _PARAGRAPH.format("This is a reference service with made-up data.")
    return page("CloudIVR", body, "en")


def page(title: str, body: str, language: str) -> str:
    """Return a page's HTML. All text that is not markup is escaped."""
    return _PAGE.format(title=title, body=body, language=language)


def _paragraphs(texts: Iterable[str]) -> Markup:
    return Markup("").join(_PARAGRAPH.format(text) for text in texts)
