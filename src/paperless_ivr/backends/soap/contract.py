"""Loads a service's WSDL with zeep, writes envelopes, and finds the answer in a reply.

When zeep reads an answer, it turns a malformed number into None and a malformed boolean into false,
and ignores missing fields. It is therefore not used for answers. Instead, `fit` reads the fields
that are used, each strictly according to its type in the WSDL.
"""

import codecs
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from email import message_from_bytes
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from lxml import etree
from zeep import Client, Settings
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from paperless_ivr.backends.connection import Connection, is_url
from paperless_ivr.backends.soap.http import Http, NothingDone, PerhapsDone, Reply, Trouble
from paperless_ivr.backends.soap.schemas import KNOWN
from paperless_ivr.errors import ConnectionProblems, WsdlAway
from paperless_ivr.flow.requests import OPERATIONS

LOADING = 10.0
"""The time limit, in seconds, for fetching each document of a WSDL, which happens at startup."""

WSDL_NAMESPACE = "http://schemas.xmlsoap.org/wsdl/"
ENVELOPES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "faultcode",
    "http://www.w3.org/2003/05/soap-envelope": "Code/{*}Value",
}
"""The namespaces of SOAP 1.1 and 1.2 envelopes, with the location of the code in a fault."""

SENDER_FAULTS = ("Client", "Sender", "VersionMismatch", "MustUnderstand")
"""Faults that a service reports before it acts (SOAP 1.1 section 4.4.1; 1.2 part 1, 5.4.6)."""

REFUSED_UNREAD = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 411, 413, 415, 429})
"""HTTP statuses for a request that was turned away. A 5xx can come after the work was done."""

LARGEST_WHOLE = 100_000
DEEPEST_WHOLE = 50
"""Limits on the elements in an answer assembled from pieces, and on references within pieces."""

BINDINGS = {"1.1": Soap11Binding, "1.2": Soap12Binding}


@define(eq=False, repr=False)
class Contract:
    """The content of a service's WSDL, with the service's own names. Never changes once loaded."""

    soap: str
    versions: tuple[str, ...]
    """The SOAP versions it supports."""
    operations: frozenset[str]
    encoded: frozenset[str]
    """Operations that use SOAP's own encoding, in which an answer can consist of several pieces."""
    _binding: Any

    def takes(self, operation: str) -> Any:
        """Return the zeep type of an operation's request, or None if it takes nothing."""
        body = self._binding.get(operation).input.body
        return None if body is None else body.type

    def answers(self, operation: str) -> Any:
        """Return the zeep type of an operation's answer, or None if it returns nothing."""
        output = self._binding.get(operation).output
        return None if output is None or output.body is None else output.body.type

    def headers(self, operation: str) -> Mapping[str, Any]:
        """Return the SOAP headers an operation declares for requests, and their zeep types."""
        header = self._binding.get(operation).input.header
        return {} if header is None else {name: e.type for name, e in header.type.elements
                                          if hasattr(e, "type")}  # fmt: skip

    def written(self, operation: str, fields: Mapping[str, Any]) -> "Message":
        """Return a request ready to post. Raises `NothingDone` if it does not fit the schema."""
        known = self._binding.get(operation)
        try:
            envelope = known.create(**fields).content
            body = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
        except Exception as error:  # noqa: BLE001 - its text contains what was to be sent
            message = f"request cannot be written: {type(error).__name__}"
            raise NothingDone(message) from None
        action = known.soapaction or ""
        if self.soap == "1.1":
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        else:
            kind = "application/soap+xml; charset=utf-8"
            headers = {"Content-Type": f'{kind}; action="{action}"' if action else kind}
        return Message(body, headers)

    def read(self, operation: str, reply: Reply) -> etree._Element:
        """Return the answer in a reply.

        Raises `NothingDone` or `PerhapsDone` if there is none. The error's text contains nothing
        from the reply except its HTTP status and a standard fault code.
        """
        elements = list(_body(reply))
        if operation in self.encoded:
            elements = _whole(elements)
        known = self._binding.get(operation)
        if known.style == "rpc":  # WS-I Basic Profile, R2729: operation name + "Response"
            fits = [etree.QName(e).localname == f"{operation}Response" for e in elements]
        else:
            fits = [e.tag == known.output.body.qname.text for e in elements]
        if fits != [True]:
            message = "not an answer to this request"
            raise PerhapsDone(message)
        return elements[0]


@frozen(repr=False)
class Message:
    """A request as it is posted."""

    body: bytes
    headers: Mapping[str, str]


# ── loading ──────────────────────────────────────────────────────────────────────────────


def load_contract(
    connection: Connection, place: str, http: Http, soap: str | None = None
) -> Contract:
    """Load the contract from a WSDL file or URL, for one SOAP version.

    By default, that is 1.1 if the WSDL has it, and otherwise 1.2. Raises `ConnectionProblems`.
    """
    loader = _Loader(http)
    settings = Settings(forbid_entities=True)  # some schemas have a harmless DOCTYPE
    try:
        client: Any = Client(place, transport=loader, settings=settings)  # type: ignore[no-untyped-call]
    except ConnectionProblems:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
        raise _unusable(f"service.wsdl: {place} is not a readable WSDL: {why}") from error
    names = {connection.named(operation) for operation in OPERATIONS}
    ports = [p.binding for s in client.wsdl.services.values() for p in s.ports.values()]
    offered = [binding for binding in ports if type(binding) in BINDINGS.values()]
    fitting = [binding for binding in offered if names & binding.all().keys()] or offered
    if connection.binding:
        fitting = [binding for binding in offered if binding.name.localname == connection.binding]
    if len({binding.port_type.name.text for binding in fitting}) != 1:
        raise _unusable(_which(place, connection, [b.name.localname for b in offered]))
    bindings: dict[str, Any] = {
        version: binding
        for version, kind in BINDINGS.items()
        for binding in reversed(fitting)
        if type(binding) is kind
    }
    soap = soap or next(iter(bindings))
    if soap not in bindings:
        raise _unusable(f"service.soap: {place} supports only SOAP {' and '.join(bindings)}")
    return Contract(
        soap=soap,
        versions=tuple(bindings),
        operations=frozenset(bindings[soap].all()),
        encoded=frozenset(_encoded(loader.loaded.values(), bindings[soap].name.localname)),
        binding=bindings[soap],
    )


def _unusable(says: str, kind: type[ConnectionProblems] = ConnectionProblems) -> ConnectionProblems:
    return kind("the connection cannot be used", [says])


def _which(place: str, connection: Connection, names: Iterable[str]) -> str:
    """Return the reason why no single binding of a WSDL could be chosen."""
    there = ", ".join(names)
    if not there:
        return f"service.wsdl: {place} has no port for SOAP"
    if connection.binding:
        return f"service.binding: {place} has no {connection.binding!r}; it has {there}"
    return f"service.binding: choose one of these bindings of {place}: {there}"


def _encoded(documents: Iterable[bytes], binding: str) -> Iterator[str]:
    """Yield the operations of a binding that use SOAP's own encoding (WSDL 1.1, section 3.5)."""
    for content in documents:
        root = etree.fromstring(content, _parser())
        for found in root.iter(f"{{{WSDL_NAMESPACE}}}binding"):
            for operation in found.iterfind(f"{{{WSDL_NAMESPACE}}}operation"):
                encoded = operation.find(".//{*}body[@use='encoded']")
                if found.get("name") == binding and encoded is not None:
                    yield operation.get("name", "")


@define
class _Loader:
    """A cache of documents for zeep. Downloads have limits on time and size."""

    http: Http
    loaded: dict[str, bytes] = field(factory=dict)

    def load(self, url: str) -> bytes:
        """Return a document. Raises ConnectionProblems if there is none."""
        known = KNOWN.get(url.partition("://")[2].rstrip("/"))
        if known is not None:
            return known
        if url not in self.loaded:
            self.loaded[url] = self._fetched(url) if is_url(url) else _from_file(url)
        return self.loaded[url]

    def _fetched(self, url: str) -> bytes:
        try:
            reply = self.http.get(url, LOADING)
        except Trouble as trouble:
            raise _unusable(_none_at(url, str(trouble)), WsdlAway) from None
        if reply.status != 200:
            kind = WsdlAway if reply.status >= 500 else ConnectionProblems
            raise _unusable(_none_at(url, f"the server returned HTTP status {reply.status}"), kind)
        if _is_page(reply):
            raise _unusable(_none_at(url, "the server returned a web page"))
        return reply.body


def _from_file(place: str) -> bytes:
    try:
        return Path(place.removeprefix("file://")).read_bytes()
    except OSError as error:
        raise _unusable(_none_at(place, error.strerror or "cannot be opened")) from error


def _none_at(place: str, why: str) -> str:
    return f"service.wsdl: no WSDL at {place}: {why}"


# ── reading ──────────────────────────────────────────────────────────────────────────────


BEFORE_XML = b" \t\r\n" + codecs.BOM_UTF8
"""Bytes that some services write before the XML declaration."""


def _parser(encoding: str | None = None) -> etree.XMLParser:
    """Return a parser that ignores comments and processing instructions, and loads nothing.

    libxml2's own limits on size and depth apply.
    """
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,  # otherwise they would split a text in two
        remove_pis=True,
    )


def is_envelope(reply: Reply) -> bool:
    """Return whether a reply is a SOAP envelope, whatever its content."""
    return _envelope(reply) is not None


def _body(reply: Reply) -> etree._Element:
    """Return the body of an answer's envelope."""
    envelope = _envelope(reply)
    if reply.status in REFUSED_UNREAD and envelope is None:
        raise NothingDone(f"HTTP status {reply.status}")
    if envelope is None:
        what = "a web page" if _is_page(reply) else "no SOAP envelope"
        raise PerhapsDone(f"{what} with HTTP status {reply.status}")
    head, body, fault = (
        f"{{{etree.QName(envelope).namespace}}}{name}" for name in ("Header", "Body", "Fault")
    )
    if [part.tag for part in envelope] not in ([body], [head, body]):
        raise PerhapsDone(f"an envelope without exactly one body, with HTTP status {reply.status}")
    if [part.tag for part in envelope[-1]] == [fault]:
        raise _fault(envelope[-1][0])
    if reply.status != 200:
        raise PerhapsDone(f"no answer in the envelope, with HTTP status {reply.status}")
    return envelope[-1]


def _envelope(reply: Reply) -> etree._Element | None:
    """Return a reply's envelope, or None if there is none or it has a DOCTYPE."""
    content, charset = _document(reply)
    root = _parsed(content)
    if root is None and charset is not None:  # the XML does not declare its encoding
        root = _parsed(content, charset)
    if root is None:
        return None
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in ENVELOPES:
        return None
    return None if root.getroottree().docinfo.doctype else root


def _parsed(content: bytes, encoding: str | None = None) -> etree._Element | None:
    try:
        return etree.fromstring(content.lstrip(BEFORE_XML), _parser(encoding))
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None


def _document(reply: Reply) -> tuple[bytes, str | None]:
    """Return a reply's XML, and the encoding named by its media type.

    If a reply has several parts, as with MTOM, its root is the part that `start` names, or else the
    first part (RFC 2387, section 3.2).
    """
    head = f"Content-Type: {reply.content_type}\r\n\r\n".encode("latin-1", "replace")
    if not reply.content_type.lower().startswith("multipart/"):
        return reply.body, message_from_bytes(head).get_content_charset()
    whole = message_from_bytes(head + reply.body)
    parts: Any = whole.get_payload() if whole.is_multipart() else []
    start = whole.get_param("start")
    roots = [part for part in parts if part["Content-ID"] == start] if start else parts[:1]
    content = roots[0].get_payload(decode=True) if len(roots) == 1 else None
    return content or b"", roots[0].get_content_charset() if roots else None


def _whole(elements: list[etree._Element]) -> list[etree._Element]:
    """Return an encoded answer as one piece, with every reference resolved.

    See SOAP 1.1, section 5.4.1. A piece can be referenced many times, even by itself, so the size
    of the result is limited.
    """
    named = [element for element in elements if element.get("id") is not None]
    pieces = {f"#{piece.get('id')}": piece for piece in named}
    answer = [element for element in elements if element.get("id") is None]
    waiting, size = [(element, 0) for element in answer], 0
    while waiting:
        node, depth = waiting.pop()
        size += 1
        href = node.attrib.pop("href", None)
        if href is not None:
            piece = pieces.get(str(href))
            whole = size <= LARGEST_WHOLE and depth <= DEEPEST_WHOLE and len(pieces) == len(named)
            if piece is None or not whole or len(node) or (node.text or "").strip():
                message = "answer in pieces that do not fit together"
                raise PerhapsDone(message)
            node.attrib.update(piece.attrib)
            node.text = piece.text
            node.extend(deepcopy(list(piece)))
            waiting.append((node, depth + 1))
        else:
            waiting.extend((inner, depth + 1) for inner in node)
    return answer


def _fault(fault: etree._Element) -> Trouble:
    """Return what a fault means. Only its code is used, since its text can contain values."""
    namespace = etree.QName(fault).namespace or ""
    codes = fault.findall(ENVELOPES.get(namespace, "faultcode").replace("Code/", "{*}Code/"))
    local = ((codes[0].text if len(codes) == 1 else None) or "").rpartition(":")[2]
    kind = local.partition(".")[0].strip()
    if kind in SENDER_FAULTS:
        return NothingDone(f"SOAP fault {kind}")
    return PerhapsDone(f"SOAP fault {kind}" if kind in ("Server", "Receiver") else "SOAP fault")


def _is_page(reply: Reply) -> bool:
    start = reply.body[:512].lstrip().lower()
    return "html" in reply.content_type.lower() or start.startswith((b"<!doctype html", b"<html"))
