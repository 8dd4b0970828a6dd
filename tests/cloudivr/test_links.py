"""The life of a link: it is viewed, completes a registration once, is replaced, or expires."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import frozen
from sqlalchemy import update
from werkzeug.test import Client, TestResponse

from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.links import Links
from paperless_ivr.cloudivr.outbox import outbox
from paperless_ivr.cloudivr.pages import STATUS
from paperless_ivr.cloudivr.soap import MAX_BODY
from paperless_ivr.cloudivr.web import Application
from paperless_ivr.cloudivr.words import ENGLISH, SPANISH, Standing, Words
from paperless_ivr.prompts.catalog import Catalog
from tests.cloudivr.benches import Bench, ask, customer, enrollment, guid, number

pytestmark = pytest.mark.requirement("R22")


@frozen
class Browser:
    """Someone who opens links."""

    bench: Bench

    @property
    def client(self) -> Client:
        """A client of the service."""
        return Client(Application(self.bench.service))

    def look(self, link: str) -> TestResponse:
        """Open a link."""
        return self.client.get(link)

    def press(self, link: str, email: str | None = None) -> TestResponse:
        """Press the button on a link's page."""
        return self.client.post(link, data={"EmailAddress": email} if email is not None else {})


@pytest.fixture
def browser(bench: Bench) -> Browser:
    """Someone who opens links of a new service."""
    return Browser(bench)


def emailed(bench: Bench, handle: str = "rivera") -> str:
    """Return the link that is e-mailed after an enrollment."""
    assert bench.service.EnrollInPaperless(
        **enrollment(PaymentGUID=guid(handle))
    ).EnrollmentSuccessful
    return outbox(bench.engine, bench.clock()).emails[-1].link


def texted(bench: Bench, purpose: str, handle: str = "rivera", language: str | None = None) -> str:
    """Return a texted link."""
    answer = bench.service.SendWebLink(
        **ask(),
        CustomerID=number(handle),
        InvoiceType="WATER",
        PhoneNumber="+12175550180",
        Purpose=purpose,
        Language=language,
    )
    assert answer.Success
    return outbox(bench.engine, bench.clock()).texts[-1].link


def prefer(
    bench: Bench,
    handle: str = "rivera",
    *,
    paperless: bool = True,
    email: str | None = "typed.here@example.com",
    language: str | None = None,
) -> None:
    """Store a preference for the water bill; without an address, with just the texted link."""
    bench.service.StoreCustomerPreference(
        **ask(),
        CustomerID=number(handle),
        InvoiceType="WATER",
        Paperless=paperless,
        EmailAddress=email if paperless else None,
        PhoneNumber=None if email else "+12175550180",
        Language=language,
    )


def test_a_link_completes_its_registration(browser: Browser) -> None:
    """The page says what it is for, its button makes the bill paperless, and the page says so."""
    link = emailed(browser.bench)

    page = browser.look(link)
    assert page.status_code == 200
    assert "<h1>Paperless billing: water bill</h1>" in page.text
    assert "Springfield Water" in page.text
    assert '<form method="post">' in page.text
    assert "<input" not in page.text
    assert browser.bench.status("rivera") == "pending"

    done = browser.press(link)
    assert (done.status_code, browser.bench.status("rivera")) == (200, "active")
    again = browser.bench.service.EnrollInPaperless(**enrollment(PaymentGUID=guid("rivera")))
    assert again.ErrorCode == 400


def test_looking_changes_nothing(browser: Browser) -> None:
    """A mail scanner may open a link as often as it likes."""
    link = emailed(browser.bench)
    before = browser.bench.dump(but=())

    pages = [browser.look(link), browser.client.head(link), browser.look(f"{link}x")]

    assert [page.status_code for page in pages] == [200, 200, 404]
    assert before == browser.bench.dump(but=())


def used(browser: Browser, link: str) -> None:
    """The button was pressed before."""
    assert browser.press(link).status_code == 200


def expired(browser: Browser, _: str) -> None:
    """Seven days have passed."""
    browser.bench.clock.passes(days=7)


def replaced(browser: Browser, _: str) -> None:
    """A newer link was sent for the bill."""
    prefer(browser.bench)


def canceled(browser: Browser, _: str) -> None:
    """The bill went back to paper."""
    prefer(browser.bench, paperless=False)


def completed(browser: Browser, _: str) -> None:
    """Another link for the same bill was used."""
    assert browser.press(texted(browser.bench, "review")).status_code == 200


GONE = {
    used: Standing.USED,
    expired: Standing.EXPIRED,
    replaced: Standing.REPLACED,
    canceled: Standing.CANCELED,
    completed: Standing.REPLACED,
}


@pytest.mark.parametrize("happens", GONE, ids=lambda happens: happens.__name__)
def test_a_link_that_can_be_used_no_more(browser: Browser, happens) -> None:
    """The link's page says why, with status 410, and its button does nothing."""
    link = emailed(browser.bench)
    happens(browser, link)
    before = browser.bench.dump()

    for page in (browser.look(link), browser.press(link)):
        assert page.status_code == 410
        assert f"<h1>{ENGLISH.pages[GONE[happens]].title}</h1>" in page.text
        assert "<form" not in page.text
    assert before == browser.bench.dump()


@pytest.mark.parametrize("token", ["", "x", "../health", "%00", "a" * 4000, "' OR 1=1 --"])
def test_an_unknown_link(browser: Browser, token: str) -> None:
    """An invented link is not found, and does nothing."""
    emailed(browser.bench)
    before = browser.bench.dump()

    pages = [browser.client.get(f"/paperless/{token}"), browser.client.post(f"/paperless/{token}")]

    assert [page.status_code for page in pages] == [404, 404]
    assert before == browser.bench.dump()


def test_until_the_last_moment(browser: Browser) -> None:
    """A link can be used until its days are over."""
    link = emailed(browser.bench)
    browser.bench.clock.passes(days=7, seconds=-1)

    assert browser.press(link).status_code == 200


def test_newest_link_counts(browser: Browser) -> None:
    """After a link was replaced, the new one completes the registration."""
    emailed(browser.bench)
    prefer(browser.bench)

    assert (
        browser.press(
            outbox(browser.bench.engine, browser.bench.clock()).emails[-1].link
        ).status_code
        == 200
    )
    assert browser.bench.status("rivera") == "active"


@pytest.mark.requirement("R08", "R52")
def test_a_text_stays_valid_after_a_registration_by_text_alone(browser: Browser) -> None:
    """The texted link completes the registration that was stored for it, without an address."""
    link = texted(browser.bench, "type_email", "chen")
    prefer(browser.bench, "chen", email=None)
    assert browser.bench.status("chen") == "pending"

    assert browser.press(link, "lily.chen@example.com").status_code == 200
    assert browser.bench.status("chen") == "active"


def test_texts_stay_valid_beside_one_another(browser: Browser) -> None:
    """A text does not replace an earlier link."""
    links = [emailed(browser.bench), *(texted(browser.bench, "review") for _ in range(2))]

    assert [browser.look(link).status_code for link in links] == [200] * 3


# ── the typed address ────────────────────────────────────────────────────────────────────


def test_typed_address(browser: Browser) -> None:
    """The page of a link for typing the address asks for it, keeps it, and completes."""
    link = texted(browser.bench, "type_email", "chen")
    assert 'name="EmailAddress" type="email"' in browser.look(link).text

    assert browser.press(link, " typed.here@example.com ").status_code == 200

    (chen,) = [row for row in browser.bench.rows(t.Customer) if row.CustomerID == number("chen")]
    assert (chen.EmailAddress, browser.bench.status("chen")) == ("typed.here@example.com", "active")


@pytest.mark.parametrize("typed", [None, "", "chen", "chen@", "@example.com", "a b@example.com"])
def test_typed_address_that_is_none(browser: Browser, typed: str | None) -> None:
    """An invalid address is asked for again, and nothing changes: the link stays open."""
    link = texted(browser.bench, "type_email", "chen")
    before = browser.bench.dump()

    page = browser.press(link, typed)

    assert page.status_code == 422
    assert "Please check" in page.text
    assert "<input" in page.text
    assert before == browser.bench.dump()
    assert browser.press(link, "typed.here@example.com").status_code == 200


def test_too_much(browser: Browser) -> None:
    """A form of more than a megabyte is not read."""
    link = texted(browser.bench, "type_email", "chen")

    assert browser.press(link, "x" * MAX_BODY).status_code == 413
    assert browser.bench.status("chen") == "none"


@pytest.mark.parametrize("purpose", ["enrol", "confirm", "review", "", "<script>"])
def test_address_that_is_not_asked_for(browser: Browser, purpose: str) -> None:
    """Other links accept no address, whatever is posted to them."""
    link = texted(browser.bench, purpose)
    assert browser.press(link, "mallory@example.com").status_code == 200

    rivera = customer("rivera").email
    kept = {row.EmailAddress for row in browser.bench.rows(t.Customer)}
    assert "mallory@example.com" not in kept
    assert rivera is not None
    assert rivera.reveal() in kept


# ── what a link reveals ──────────────────────────────────────────────────────────────────


def test_tokens(browser: Browser) -> None:
    """Tokens are long and unique, and the table of links has only their hashes."""
    links = [texted(browser.bench, "review", who) for who in ("rivera", "chen", "ali") * 5]
    tokens = {link.rpartition("/")[2] for link in links}

    assert len(tokens) == 15
    assert min(map(len, tokens)) >= 43
    assert not tokens & {row.TokenHash for row in browser.bench.rows(t.WebLink)}


@pytest.mark.requirement("R24")
def test_pages_tell_nothing_personal(browser: Browser) -> None:
    """No page of a link says whose it is, is cached by a browser, or names itself to others."""
    links = [texted(browser.bench, "type_email"), emailed(browser.bench)]
    pages = [browser.look(links[0]), browser.look(links[1]), browser.press(links[1])]

    who = customer("rivera")
    for page in pages:
        personal = (who.name, who.email, who.account, who.id, who.phone)
        assert [v for v in personal if v and v.reveal() in page.text] == []
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_link_leads_to_the_service_alone(browser: Browser) -> None:
    """Whatever host a request names, links lead to the service's own address."""
    assert emailed(browser.bench).startswith("http://billing.test/paperless/")


def test_activity(browser: Browser) -> None:
    """Completing is in the activity log, and so is a refused link."""
    link = emailed(browser.bench)
    for _ in range(2):
        browser.press(link)

    rows = [
        row for row in browser.bench.rows(t.ActivityLog) if row.Operation == "CompleteRegistration"
    ]
    assert [row.Step for row in rows] == ["CompleteRegistration", "RefuseLink"]


@pytest.mark.requirement("R31")
def test_pressed_by_many(bench: Bench) -> None:
    """If many press at the same time, one completes, and for the others the link was used."""
    token = emailed(bench).rpartition("/")[2]

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: Links(bench.service).complete(token).standing, range(8)))

    assert sorted(standing.value for standing in done) == ["done"] + ["used"] * 7


@pytest.mark.requirement("R24")
def test_database_gone(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its tables, the service says that something went wrong, and nothing more."""
    link = emailed(browser.bench)
    t.Base.metadata.drop_all(browser.bench.engine)

    pages = [browser.look(link), browser.press(link)]

    assert [page.status_code for page in pages] == [500, 500]
    assert "Traceback" not in pages[0].text + pages[1].text
    assert link.rpartition("/")[2] not in capsys.readouterr().out


def test_every_standing_has_its_page() -> None:
    """There are words for every possible standing of a link."""
    assert set(STATUS) == set(ENGLISH.pages) == set(SPANISH.pages) == set(Standing)


# ── what the caller heard, in the caller's language ──────────────────────────────────────


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("language", ["en-US", "es-US"])
@pytest.mark.parametrize("bills", [1, 2, 3])
def test_paper_stops_as_the_call_said(browser: Browser, language: str, bills: int) -> None:
    """The page names the bills that still come on paper as the call does, and promises no more."""
    with browser.bench.engine.begin() as connection:
        connection.execute(update(t.Biller).values(BillsStillOnPaper=bills))
    form = {1: "1", 2: "2"}.get(bills, "many")
    said = Catalog.load([language]).text(f"term_bills_on_paper_{form}", language)

    prefer(browser.bench, language=language)
    link = outbox(browser.bench.engine, browser.bench.clock()).emails[-1].link

    for page in (browser.look(link), browser.press(link)):
        assert f'<html lang="{language[:2]}">' in page.text
        assert said.format(count=bills) in page.text
        assert "next bill on" not in page.text


@pytest.mark.requirement("R16")
def test_in_the_language_of_the_call(browser: Browser) -> None:
    """Whatever the browser prefers, the pages and the bill's name are in the call's language."""
    prefer(browser.bench, language="es-US")
    link = outbox(browser.bench.engine, browser.bench.clock()).emails[-1].link
    english = {"Accept-Language": "en-US,en;q=0.9"}

    page = browser.client.get(link, headers=english)
    done = browser.client.post(link, headers=english)

    assert "<h1>Facturación sin papel: factura del agua</h1>" in page.text
    assert "<button>Cambiar a facturación sin papel</button>" in page.text
    assert "<h1>Listo</h1>" in done.text
    assert "water bill" not in page.text + done.text


@pytest.mark.requirement("R16")
def test_a_text_carries_the_language(browser: Browser) -> None:
    """A texted link has its call's language. After another call, that call's language counts."""
    link = texted(browser.bench, "type_email", language="es-US")
    assert '<html lang="es">' in browser.look(link).text
    assert "Correo electrónico para sus facturas" in browser.look(link).text

    texted(browser.bench, "review", language="en-US")
    assert '<html lang="en">' in browser.look(link).text


@pytest.mark.requirement("R16")
@pytest.mark.parametrize(
    ("prefers", "language"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en-GB", "en"),
        ("zh-CN,es;q=0.5", "es"),
        ("zh-CN", "en"),
        ("", "en"),
        ("*", "en"),
        (";;;q=,", "en"),
    ],
)
@pytest.mark.parametrize("asked", ["fr-FR", "", None, "x" * 1000])
def test_where_no_language_is_known(
    browser: Browser, prefers: str, language: str, asked: str | None
) -> None:
    """If the call's language is unknown, as with `EnrollInPaperless`, the browser's counts."""
    link = texted(browser.bench, "review", language=asked)
    for address in (link, f"{link}x"):
        page = browser.client.get(address, headers={"Accept-Language": prefers})
        assert f'<html lang="{language}">' in page.text


@pytest.mark.parametrize("words", [ENGLISH, SPANISH], ids=["en", "es"])
def test_no_gap_is_left(words: Words) -> None:
    """Every page and e-mail names what it is about, and no gap is left unfilled."""
    gaps = {"biller": "B", "bill": "b", "on_paper": words.on_paper(2), "link": "https://x"}
    texts = [words.email, words.subject, *(p.title for p in words.pages.values())]
    texts += [text for page in words.pages.values() for text in page.paragraphs]
    for text in texts:
        assert "{" not in text.format(**gaps)


@pytest.mark.requirement("R22")
def test_reads_well_on_a_phone(browser: Browser) -> None:
    """Pages are as wide as the screen, with letters large enough, and buttons for a thumb."""
    page = browser.look(texted(browser.bench, "type_email")).text

    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert re.search(r"font: 1\.125rem", page)
    assert re.search(r"button, input \{[^}]*font: inherit; min-height: 3rem", page)
