"""Answers as real servers write them: understood, or refused as a whole."""

import gzip
import resource
import time
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from paperless_ivr import secret
from paperless_ivr.backends.connection import REFERENCE_CODES
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import (
    InvoiceExists,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    ServiceRequest,
)
from tests.backends import wsdls
from tests.backends.canned import ENVELOPES, TNS, Said, canned, enveloped, result
from tests.backends.test_soap_fit import ENROLL, ENROLLED, REPROMPT, SEARCH
from tests.counts import heavy

XSI = "http://www.w3.org/2001/XMLSchema-instance"

NOT_ENROLLED = ENROLLED.replace("true", "false")
FOUND = (
    "<t:Success>true</t:Success><t:ErrorCode>0</t:ErrorCode><t:Customers><t:Customer>"
    "<t:CustomerID>781137</t:CustomerID><t:AccountNumber>20481137</t:AccountNumber>"
    "<t:CustomerName>Pat Rivera</t:CustomerName>"
    "<t:EmailAddress>pat@example.com</t:EmailAddress><t:Phone>+12175550101</t:Phone><t:Invoices>"
    "<t:Invoice><t:InvoiceNumber>1</t:InvoiceNumber><t:InvoiceType>WATER</t:InvoiceType>"
    "<t:BalanceDue>48.20</t:BalanceDue><t:InvoiceDueDate>2026-12-15T00:00:00</t:InvoiceDueDate>"
    "<t:Paperless>false</t:Paperless><t:PaperlessPending>true</t:PaperlessPending></t:Invoice>"
    "</t:Invoices></t:Customer></t:Customers>"
)


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[..., ServiceAnswer]]:
    """Call a server that gives one answer."""
    said: list[Said] = []
    with canned(lambda _: said[-1]) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url, codes=REFERENCE_CODES))

        def ask(answer: Said, request: object = SEARCH) -> ServiceAnswer:
            said.append(answer)
            return backend.answer(request, 5.0)  # type: ignore[arg-type]

        yield ask


def changed(change: Callable[[etree._Element], None], fields: str = FOUND) -> Said:
    """Return the answer after a change to its tree."""
    said = result("SearchByAccountNumber", fields)
    root = etree.fromstring(said.body)
    change(root)
    return evolve(said, body=etree.tostring(root))


def with_text(name: str, text: str, fields: str = FOUND) -> Said:
    """Return the answer with another text, or markup, in a field."""
    root = etree.fromstring(result("SearchByAccountNumber", fields).body)
    (leaf,) = root.iter(f"{{{TNS}}}{name}")
    mark = f">{leaf.text}</t:{name}>".encode()
    body = etree.tostring(root).replace(mark, f">{text}</t:{name}>".encode())
    assert text.encode() in body
    return Said(body)


def customer(answer: ServiceAnswer) -> object:
    """Return everything that was understood about the only customer."""
    assert isinstance(answer, CustomersFound)
    ((found),) = answer.customers
    return found, answer.unread


SPLIT = [
    "20<!-- c -->481137",
    "2048<?pi x?>1137",
    "<![CDATA[2048]]>1137",
    " 20481137\n",
    "&#50;0481137",
]


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("text", SPLIT)
def test_nothing_splits_a_text(ask: Callable[..., ServiceAnswer], text: str) -> None:
    """A comment, an instruction, or a CDATA section inside a number does not shorten it."""
    plain = ask(result("SearchByAccountNumber", FOUND))

    assert customer(ask(with_text("AccountNumber", text))) == customer(plain)


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("text", ["tr<!-- x -->ue", " true ", "1", "<![CDATA[true]]>"])
def test_nothing_splits_a_truth(ask: Callable[..., ServiceAnswer], text: str) -> None:
    """Success with a comment inside is still success."""
    answer = ENROLLED.replace(">true<", f">{text}<")

    assert text in answer
    assert ask(result("EnrollInPaperless", answer), ENROLL) == Accepted()


@pytest.mark.requirement("R23")
@pytest.mark.parametrize(("name", "text"), [
    ("BalanceDue", "12,50"), ("BalanceDue", "n/a"), ("BalanceDue", "NaN"), ("BalanceDue", ""),
    ("BalanceDue", "1E+5000"), ("BalanceDue", "1E-5000"), ("BalanceDue", "1E+999999999999999999"),
    ("BalanceDue", "9" * 5000), ("BalanceDue", f"1.{'0' * 5000}1"), ("BalanceDue", "48_20"),
    ("BalanceDue", "-10000000000"), ("BalanceDue", "0x10"), ("BalanceDue", "Infinity"),
    ("BalanceDue", "\u00a048.20"), ("BalanceDue", "\u0664\u0668"), ("BalanceDue", "1e2"),
    ("InvoiceDueDate", "12/15/2026"), ("InvoiceDueDate", "2026-02-30T00:00:00"),
])  # fmt: skip
def test_a_bad_amount_or_date_is_absent(
    ask: Callable[..., ServiceAnswer], name: str, text: str
) -> None:
    """An unreadable optional field does not invalidate the answer, and is named."""
    answer = ask(changed(lambda root: _set(root, name, text)))

    assert isinstance(answer, CustomersFound)
    assert answer.unread == (name,)
    (invoice,) = answer.customers[0].invoices
    assert (invoice.amount is None, invoice.due is None) == (
        name == "BalanceDue",
        name == "InvoiceDueDate",
    )


@pytest.mark.requirement("R23")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Success", "yes"),
        ("Success", ""),
        ("Paperless", "N"),
        ("Paperless", ""),
        ("PaperlessPending", "maybe"),
        ("ErrorCode", "zero"),
    ],
)
def test_what_decides_is_never_guessed(
    ask: Callable[..., ServiceAnswer], name: str, text: str
) -> None:
    """An answer in which a deciding field cannot be read does not count."""
    answer = ask(changed(lambda root: _set(root, name, text)))

    assert isinstance(answer, Unavailable)
    assert answer.why == f"answer with {name} that cannot be read"


def _set(root: etree._Element, name: str, text: str) -> None:
    (leaf,) = root.iter(f"{{{TNS}}}{name}")
    leaf.text = text


def _twice(root: etree._Element, name: str) -> None:
    (leaf,) = root.iter(f"{{{TNS}}}{name}")
    again = deepcopy(leaf)
    again.text = "other"
    leaf.addnext(again)


@pytest.mark.parametrize("name", ["AccountNumber", "CustomerID", "Success", "BalanceDue"])
def test_twice_is_refused(ask: Callable[..., ServiceAnswer], name: str) -> None:
    """A field that occurs twice invalidates the answer, because it is unclear which is meant."""
    answer = ask(changed(lambda root: _twice(root, name)))

    assert answer == Unavailable(answered=True)


def test_a_lookalike_is_ignored(ask: Callable[..., ServiceAnswer]) -> None:
    """An element with the same name in another namespace does not count."""

    def add(root: etree._Element) -> None:
        for leaf in list(root.iter(f"{{{TNS}}}AccountNumber", f"{{{TNS}}}Success")):
            other = etree.Element(f"{{urn:other}}{etree.QName(leaf).localname}")
            other.text = "999"
            leaf.addprevious(other)

    plain = ask(result("SearchByAccountNumber", FOUND))
    assert customer(ask(changed(add))) == customer(plain)


def test_a_derived_type(ask: Callable[..., ServiceAnswer]) -> None:
    """An item of a derived type, with additional fields, is read as its base type."""

    def derive(root: etree._Element) -> None:
        (item,) = root.iter(f"{{{TNS}}}Customer")
        item.set(f"{{{XSI}}}type", "t:BusinessCustomer")
        etree.SubElement(item, f"{{{TNS}}}TaxId").text = "12"

    plain = ask(result("SearchByAccountNumber", FOUND))
    assert customer(ask(changed(derive))) == customer(plain)


def _raw(body: bytes) -> bytes:
    """Return deflate without zlib's header, as old IIS sends it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _members(body: bytes) -> bytes:
    """Return gzip in three members, as sent by a proxy that compresses each block."""
    return b"".join(gzip.compress(part) for part in (body[:20], b"", body[20:]))


Pack = Callable[[bytes], bytes]
PACKED: dict[str, tuple[str, Pack]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip by its old name": ("X-GZIP", gzip.compress),
    "gzip in members": ("gzip", _members),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw),
    "both": ("deflate, gzip", lambda body: gzip.compress(_raw(body))),
    "identity": ("identity", bytes),
}


@pytest.mark.parametrize("how", PACKED)
def test_packed_answers(ask: Callable[..., ServiceAnswer], how: str) -> None:
    """Answers are read even if a server compresses them without being asked to."""
    coding, pack = PACKED[how]
    said = result("SearchByAccountNumber", FOUND)
    packed = evolve(said, body=pack(said.body), headers=(("Content-Encoding", coding),))

    assert customer(ask(packed)) == customer(ask(said))
    for end in (12, len(packed.body) // 2, len(packed.body) - 3):
        assert ask(evolve(packed, body=packed.body[:-end])) == Unavailable()


@pytest.mark.parametrize("how", sorted(set(PACKED) - {"identity"}))
def test_a_bomb_is_not_unpacked(ask: Callable[..., ServiceAnswer], how: str) -> None:
    """An answer that would exceed the limit when unpacked is refused before that."""
    coding, pack = PACKED[how]
    bomb = pack(b" " * 256 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = ask(Said(bomb, headers=(("Content-Encoding", coding),)))

    assert isinstance(answer, Unavailable)
    assert answer.why == "answer too large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip", "deflate", "utf-8"])
def test_what_is_not_packed_so(ask: Callable[..., ServiceAnswer], coding: str) -> None:
    """An answer that is not compressed as its header says, or in an unknown way, is refused."""
    said = evolve(result("SearchByAccountNumber", "x"), headers=(("Content-Encoding", coding),))

    read = coding not in ("gzip", "deflate")  # known, but it cannot be unpacked
    assert ask(said) == Unavailable(answered=read)


# ── an answer in pieces ──────────────────────────────────────────────────────────────────

ENCODED = wsdls.CONTRACT.replace('use="literal"', 'use="encoded"')
REFERRED = (
    "<t:EnrollInPaperlessResponse><t:EnrollInPaperlessResult {}</t:EnrollInPaperlessResponse>"
)
PIECES = {
    "in one piece": REFERRED.format(f">{ENROLLED}</t:EnrollInPaperlessResult>"),
    "a piece behind": REFERRED.format('href="#a"/>') + f'<multiRef id="a">{ENROLLED}</multiRef>',
    "a piece in front": f'<multiRef id="a">{ENROLLED}</multiRef>' + REFERRED.format('href="#a"/>'),
    "a piece of a piece": REFERRED.format('href="#a"/>')
    + f'<multiRef id="a">{ENROLLED}</multiRef>'.replace(">true<", ' href="#b"><')
    + '<multiRef id="b">true</multiRef>',
}
NO_WHOLE = {
    "what is not there": REFERRED.format('href="#a"/>'),
    "elsewhere": REFERRED.format('href="http://other/#a"/>') + f'<m id="a">{ENROLLED}</m>',
    "twice": REFERRED.format('href="#a"/>')
    + f'<m id="a">{ENROLLED}</m><m id="a">{NOT_ENROLLED}</m>',
    "itself": REFERRED.format('href="#a"/>') + f'<m id="a"><m href="#a"/>{ENROLLED}</m>',
    "in a circle": REFERRED.format('href="#a"/>') + '<m id="a" href="#b"/><m id="b" href="#a"/>',
    "a piece and content": REFERRED.format(f'href="#a">{ENROLLED}</t:EnrollInPaperlessResult>')
    + f'<m id="a">{NOT_ENROLLED}</m>',
    "more and more": REFERRED.format('href="#p0"/>')
    + "".join(
        f'<m id="p{n}">{"".join(f"""<m href="#p{n + 1}"/>""" for _ in range(9))}</m>'
        for n in range(30)
    )
    + f'<m id="p30">{ENROLLED}</m>',
    "two answers": REFERRED.format('href="#a"/>') * 2 + f'<m id="a">{ENROLLED}</m>',
}


@pytest.fixture(scope="module")
def ask_encoded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ServiceAnswer]]:
    """Call a server of a WSDL in SOAP's own encoding."""
    wsdl = wsdls.put(tmp_path_factory.mktemp("encoded"), ENCODED)
    said: list[Said] = []
    with canned(lambda _: said[-1]) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url, wsdl=wsdl))

        def ask(body: str) -> ServiceAnswer:
            said.append(enveloped(body))
            return backend.answer(ENROLL, 5.0)

        yield ask


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("how", PIECES)
def test_pieces_make_a_whole(ask_encoded: Callable[..., ServiceAnswer], how: str) -> None:
    """An encoded answer is read even if its parts are only referred to."""
    assert ask_encoded(PIECES[how]) == Accepted()


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("how", NO_WHOLE)
def test_pieces_that_make_no_whole(ask_encoded: Callable[..., ServiceAnswer], how: str) -> None:
    """If a piece is missing, occurs twice, or refers to itself, the answer is soon refused."""
    began = time.monotonic()

    assert ask_encoded(NO_WHOLE[how]) == OutcomeUnknown()
    assert time.monotonic() - began < 5.0


# ── how an answer is written ─────────────────────────────────────────────────────────────

NAMED = FOUND.replace("Pat Rivera", "Zoë Núñez")
DECLARED = '<?xml version="1.0" encoding="{}"?>'
XML = "text/xml"


def _written(text: str, encoding: str, kind: str = XML, declared: str | None = None) -> Said:
    """Return an answer in an encoding named by its declaration or its media type."""
    declaration = "" if declared is None else DECLARED.format(declared)
    return Said((declaration + text).encode(encoding), content_type=kind)


def _parts(text: str, head: str = "", boundary: str = "uuid:1", **more: str) -> Said:
    """Return an answer as CXF and WCF send it with MTOM enabled."""
    parameters = "".join(f'; {name}="{value}"' for name, value in more.items())
    body = (
        f"{head}--{boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; "
        'type="text/xml"\r\nContent-Transfer-Encoding: binary\r\n'
        f"Content-ID: <root@cxf>\r\n\r\n{text}\r\n--{boundary}--\r\n"
    )
    kind = f'multipart/related; type="application/xop+xml"; boundary="{boundary}"{parameters}'
    return Said(body.encode(), content_type=kind)


def _attached(text: str) -> Said:
    """Return an answer after an attachment."""
    attachment = "--uuid:1\r\nContent-ID: <logo>\r\n\r\n<x/>\r\n"
    return _parts(text, attachment, start="<root@cxf>", **{"start-info": "text/xml"})


WRITTEN: dict[str, Callable[[str], Said]] = {
    "UTF-8": lambda text: _written(text, "utf-8"),
    "UTF-8 with a byte order mark": lambda text: _written(text, "utf-8-sig", declared="utf-8"),
    "a byte order mark and empty lines": lambda text: _written(
        "\ufeff\r\n\n" + DECLARED.format("utf-8") + text, "utf-8"
    ),
    "UTF-16": lambda text: _written(text, "utf-16", declared="utf-16"),
    "UTF-16 without a declaration": lambda text: _written(text, "utf-16"),
    "Latin-1, declared": lambda text: _written(text, "latin-1", declared="ISO-8859-1"),
    "Latin-1 by its media type": lambda text: _written(
        text, "latin-1", 'text/xml; charset="iso-8859-1"'
    ),
    "Windows-1252 by its media type": lambda text: _written(
        text, "cp1252", "text/xml;charset=windows-1252"
    ),
    "a media type that is wrong": lambda text: _written(
        text, "utf-8", "text/xml; charset=us-ascii"
    ),
    "a charset that is none": lambda text: _written(text, "utf-8", "text/xml; charset=utf8mb4"),
    "PHP's media type": lambda text: _written(text, "utf-8", "text/html"),
    "XML 1.1": lambda text: _written('<?xml version="1.1"?>' + text, "utf-8"),
    "one part": _parts,
    "a preamble": lambda text: _parts(text, head="\r\n"),
    "a named root": lambda text: _parts(text, start="<root@cxf>"),
    "an attachment": _attached,
}


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("how", WRITTEN)
def test_however_it_is_written(ask: Callable[..., ServiceAnswer], how: str) -> None:
    """An answer is the same in every encoding, and in the parts of MTOM."""
    said = result("SearchByAccountNumber", NAMED)
    written = WRITTEN[how](said.body.decode())

    found, unread = customer(ask(written))  # type: ignore[misc]
    assert (found, unread) == customer(ask(said))
    assert found.name.reveal() == "Zoë Núñez"


BROKEN: dict[str, Callable[[str], Said]] = {
    "Latin-1 that nobody names": lambda text: _written(text, "latin-1"),
    "Latin-1 that calls itself UTF-8": lambda text: _written(
        text, "latin-1", "text/xml; charset=utf-8"
    ),
    "a root that is not there": lambda text: _parts(text, start="<other>"),
    "a root that is there twice": lambda text: _parts(
        text,
        f"--uuid:1\r\nContent-ID: <root@cxf>\r\n\r\n{text}\r\n",
        start="<root@cxf>",
    ),
    "no boundary": lambda text: evolve(_parts(text), content_type="multipart/related"),
    "another boundary": lambda text: evolve(
        _parts(text), content_type='multipart/related; boundary="x"'
    ),
}


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("how", BROKEN)
def test_what_cannot_be_read_is_no_answer(ask: Callable[..., ServiceAnswer], how: str) -> None:
    """Bytes with an unknown encoding or unknown parts are not an answer."""
    said = result("SearchByAccountNumber", NAMED)

    assert ask(BROKEN[how](said.body.decode())) == Unavailable()


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", ["CustomerName", "EmailAddress", "Phone", "Customers"])
def test_nil_for_left_out(ask: Callable[..., ServiceAnswer], name: str) -> None:
    """PHP writes missing values as nil, which counts as missing if the WSDL allows that."""

    def emptied(root: etree._Element) -> None:
        (leaf,) = root.iter(f"{{{TNS}}}{name}")
        leaf.clear()
        leaf.set(f"{{{XSI}}}nil", "true")

    def left_out(root: etree._Element) -> None:
        (leaf,) = root.iter(f"{{{TNS}}}{name}")
        parent = leaf.getparent()
        assert parent is not None
        parent.remove(leaf)

    nil, without = ask(changed(emptied)), ask(changed(left_out))
    assert isinstance(nil, CustomersFound)
    assert nil == without
    assert nil.unread == ()


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("name", ["Success", "ErrorCode", "CustomerID", "PaperlessPending"])
def test_nil_for_what_must_be_there(ask: Callable[..., ServiceAnswer], name: str) -> None:
    """A field that the WSDL allows neither to be missing nor nil must have a value."""

    def emptied(root: etree._Element) -> None:
        (leaf,) = root.iter(f"{{{TNS}}}{name}")
        leaf.clear()
        leaf.set(f"{{{XSI}}}nil", "true")

    assert ask(changed(emptied)) == Unavailable(answered=True)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(("text", "done"), [("True", True), ("FALSE", False), (" true ", True)])
def test_a_truth_as_vb_writes_it(text: str, done: bool) -> None:
    """A flag that the WSDL calls a boolean is read as the connection says."""
    said = result("EnrollInPaperless", ENROLLED.replace(">true<", f">{text}<"))
    with canned(lambda _: said) as server:
        written = {"every": {"EnrollmentSuccessful": "True/False"}}
        backend = SoapBackend(evolve(REPROMPT, address=server.url, written=written))

        assert (backend.answer(ENROLL, 5.0) == Accepted()) is done


# ── an answer that is there twice ────────────────────────────────────────────────────────

OTHER = "<t:EnrollInPaperlessResponse/>"
FAULT = "<e:Fault><faultcode>e:Client</faultcode><faultstring>no</faultstring></e:Fault>"
MAYBE = "<e:Fault><faultcode>e:Server</faultcode><faultstring>no</faultstring></e:Fault>"
END = "</e:Body></e:Envelope>"
AMBIGUOUS: dict[str, Callable[[str], str]] = {
    "a second body": lambda text: text.replace(END, f"</e:Body><e:Body>{OTHER}{END}"),
    "an empty body first": lambda text: text.replace("<e:Body>", "<e:Body/><e:Body>"),
    "a fault in a second body": lambda text: text.replace(END, f"</e:Body><e:Body>{FAULT}{END}"),
    "a body of the other version": lambda text: text.replace(
        END, f'</e:Body><Body xmlns="{ENVELOPES["1.2"]}">{OTHER}</Body></e:Envelope>'
    ),
    "something after the body": lambda text: text.replace(END, f"</e:Body>{OTHER}</e:Envelope>"),
    "two headers": lambda text: text.replace("<e:Body>", "<e:Header/><e:Header/><e:Body>"),
    "a header after the body": lambda text: text.replace(END, "</e:Body><e:Header/></e:Envelope>"),
    "a fault after the answer": lambda text: text.replace(END, f"{FAULT}{END}"),
    "a fault before the answer": lambda text: text.replace("<e:Body>", f"<e:Body>{FAULT}"),
    "two answers": lambda text: text.replace(END, f"{OTHER}{END}"),
    "two faults": lambda text: text.replace("<e:Body>", f"<e:Body>{FAULT}{MAYBE}"),
    "a fault with two codes": lambda text: (
        text.partition("<e:Body>")[0]
        + "<e:Body>"
        + FAULT.replace("</faultcode>", "</faultcode><faultcode>e:Server</faultcode>")
        + END
    ),
    "two results": lambda text: text.replace(
        "</t:EnrollInPaperlessResponse>",
        f"<t:EnrollInPaperlessResult>{NOT_ENROLLED}</t:EnrollInPaperlessResult>"
        "</t:EnrollInPaperlessResponse>",
    ),
}


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("how", AMBIGUOUS)
def test_of_two_answers_none_is_taken(ask: Callable[..., ServiceAnswer], how: str) -> None:
    """If an answer occurs twice, or next to something else, it is unclear which one is meant."""
    said = result("EnrollInPaperless", ENROLLED)
    text = AMBIGUOUS[how](said.body.decode())

    assert text != said.body.decode()
    assert ask(evolve(said, body=text.encode()), ENROLL) == OutcomeUnknown()


# ── codes and numbers ────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("text", ["402", "+402", "0402", " 402 ", "\n+000402\t", "4<!-- -->02"])
def test_a_code_is_a_number(ask: Callable[..., ServiceAnswer], text: str) -> None:
    """A code whose type is an integer is that integer, in any form that XML Schema allows."""
    refused = NOT_ENROLLED.replace(">0<", f">{text}<")

    answer = ask(result("EnrollInPaperless", refused), ENROLL)
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.code) == (Refusal.LIMIT, "402")


@pytest.mark.requirement("R23")
@pytest.mark.parametrize(
    "text",
    ["402.0", "4 02", "\u00a0402", "\u0664\u0660\u0662", "0x192", "4_02", "--402", "9" * 5000],
)
def test_what_is_no_code(ask: Callable[..., ServiceAnswer], text: str) -> None:
    """If XML Schema does not allow it as an integer, it is not a code, so there is no answer."""
    refused = NOT_ENROLLED.replace(">0<", f">{text}<")

    assert ask(result("EnrollInPaperless", refused), ENROLL) == OutcomeUnknown()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("48.20", "48.20"),
        (" +48.2\n", "48.20"),
        ("-.5", "-0.50"),
        ("7.", "7"),
        ("0048.20", "48.20"),
    ],
)
def test_amounts(ask: Callable[..., ServiceAnswer], text: str, amount: str) -> None:
    """An amount is a decimal number as XML Schema writes it."""
    found = ask(changed(lambda root: _set(root, "BalanceDue", text)))

    assert isinstance(found, CustomersFound)
    assert found.customers[0].invoices[0].amount == Decimal(amount)


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("blank", ["", " ", "\t"])
@pytest.mark.parametrize(
    "request_",
    [
        lambda blank: SearchByAccountNumber(secret.account(blank)),
        lambda blank: SearchByCustomerPhoneNumber(secret.phone(blank)),
        lambda blank: InvoiceExists(secret.account("20481137"), secret.invoice(blank)),
        lambda blank: InvoiceExists(secret.account(blank), secret.invoice("8113701")),
        lambda blank: evolve(ENROLL, payment=secret.payment(blank)),
    ],
)
def test_a_blank_is_never_sent(blank: str, request_: Callable[[str], ServiceRequest]) -> None:
    """A request without a subject is not sent, because a service may find anyone by it."""
    with canned(lambda _: result("SearchByAccountNumber", FOUND)) as server:
        answer = SoapBackend(evolve(REPROMPT, address=server.url)).answer(request_(blank), 5.0)

    assert isinstance(answer, Unavailable)
    assert answer.why.startswith("request without ")
    assert server.asked == []


def test_an_empty_line_before_the_declaration(ask: Callable[..., ServiceAnswer]) -> None:
    """A script that writes an empty line before its XML is understood."""
    said = result("SearchByAccountNumber", FOUND)
    declared = b'\r\n\n<?xml version="1.0" encoding="utf-8"?>' + said.body

    assert customer(ask(Said(declared))) == customer(ask(said))


# ── whatever is inserted into an answer ──────────────────────────────────────────────────

NODES = ("comment", "instruction", "element", "known", "attribute", "nil", "space", "cdata")


@st.composite
def insertions(draw: st.DrawFn) -> tuple[str, int, int, str]:
    """Draw what to insert: a kind, an element by number, a place in its text, and a text."""
    return (
        draw(st.sampled_from(NODES)),
        draw(st.integers(0, 200)),
        draw(st.integers(0, 12)),
        draw(st.sampled_from(["", "x", "true", "20481137", "9999", " "])),
    )


def insert(root: etree._Element, kind: str, which: int, at: int, text: str) -> bool:
    """Insert something into an answer; False if it does not fit there."""
    elements = [e for e in root.iter() if isinstance(e.tag, str)]
    node = elements[which % len(elements)]
    own = node.text or ""
    at = min(at, len(own))
    leaf = len(node) == 0
    if kind == "attribute":
        node.set("{urn:other}note", text)
    elif kind == "nil":
        node.set(f"{{{XSI}}}nil", "true")
    elif kind == "space":
        if leaf:
            node.text = f"\n  {own}\t"
        elif not any(isinstance(child.tag, str) for child in node):  # a value behind a comment
            node.text = f"\n  {own}"
            node[-1].tail = f"{node[-1].tail or ''}\t"
        else:
            node.text = "\n    "
            for child in node:
                child.tail = "\n   "
    elif kind == "cdata":
        if not leaf or not own:
            return False
        node.text = etree.CDATA(own)
    else:
        made: etree._Element = {
            "comment": lambda: etree.Comment(f"c{text}"),
            "instruction": lambda: etree.ProcessingInstruction("pi", text),
            "element": lambda: etree.Element("{urn:other}Extra"),
            "known": lambda: etree.Element(f"{{{TNS}}}{'AccountNumber' if leaf else 'Success'}"),
        }[kind]()
        if kind in ("element", "known"):
            made.text = text
        made.tail = own[at:]
        node.text = own[:at]
        node.insert(0, made)
    return True


@pytest.mark.prove
@pytest.mark.requirement("R23")
@settings(max_examples=heavy(30, 100), deadline=None)
@given(put=st.lists(insertions(), min_size=1, max_size=4))
def test_the_same_or_nothing(
    ask: Callable[..., ServiceAnswer], put: list[tuple[str, int, int, str]]
) -> None:
    """Whatever is inserted into an answer, it reads as the same answer or is refused."""
    search, enroll = (
        result("SearchByAccountNumber", FOUND),
        result("EnrollInPaperless", ENROLLED),
    )
    for said, request, refused in (
        (search, SEARCH, Unavailable(answered=True)),
        (enroll, ENROLL, OutcomeUnknown()),
    ):
        root = etree.fromstring(said.body)
        for kind, which, at, text in put:
            insert(root, kind, which, at, text)
        plain = ask(said, request)
        answer = ask(evolve(said, body=etree.tostring(root)), request)

        assert not isinstance(answer, Refused)
        same = answer == plain and getattr(answer, "unread", ()) == ()
        assert same or answer == refused
