"""A service's WSDL, loaded with zeep: writes envelopes, and reads those that keep to its schema.

zeep by itself takes a wrong number for None, a wrong truth for false and a missing field for
nothing, so every answer is held against the WSDL's own schema before zeep reads it. Elements
that the schema does not know are taken out first: a service may grow.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urljoin

from attrs import define, field, frozen
from lxml import etree
from zeep import Client, Settings
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding
from zeep.xsd import ComplexType

from paperless_ivr.backends.connection import is_url
from paperless_ivr.backends.soap.http import Http, NothingDone, PerhapsDone, Reply, Trouble
from paperless_ivr.errors import ConnectionProblems

LOADING = 10.0
"""Seconds for fetching a WSDL: once, at start."""

XS = "http://www.w3.org/2001/XMLSchema"
ENVELOPES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "faultcode",
    "http://www.w3.org/2003/05/soap-envelope": "Code/{*}Value",
}
"""Namespaces of SOAP 1.1 and 1.2 envelopes, and where a fault of each has its code."""

SENDER_FAULTS = ("Client", "Sender", "VersionMismatch", "MustUnderstand")
"""Faults that a service finds before it acts (SOAP 1.1 section 4.4.1; 1.2 part 1, 5.4.6)."""

REFUSED_UNREAD = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 411, 413, 415, 429})
"""Answers of HTTP servers that did not let a request through. 5xx may come after the deed."""

BINDINGS = {"1.1": Soap11Binding, "1.2": Soap12Binding}


@define(eq=False, repr=False)
class Contract:
    """What a service promises in its WSDL. Safe to use from several threads."""

    soap: str
    versions: tuple[str, ...]
    """The SOAP versions that it speaks."""
    operations: frozenset[str]
    _client: Client
    _binding: Any
    _schema: etree.XMLSchema
    _lock: Lock = field(init=False, factory=Lock)

    def takes(self, operation: str) -> Any:
        """The zeep type of an operation's request."""
        return self._binding.get(operation).input.body.type

    def answers(self, operation: str) -> Any:
        """The zeep type of an operation's result."""
        (_, result), *_ = self._binding.get(operation).output.body.type.elements
        return result.type

    def written(self, operation: str, fields: Mapping[str, Any]) -> "Message":
        """A request as it is posted. Raises `NothingDone` where the schema has no room for it."""
        known = self._binding.get(operation)
        try:
            envelope = known.create(**fields).content
            body = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
        except Exception as error:  # noqa: BLE001 - its text holds what was to be sent
            message = f"request cannot be written: {type(error).__name__}"
            raise NothingDone(message) from None
        if self.soap == "1.1":
            headers = {
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": f'"{known.soapaction}"',
            }
        else:
            kind = "application/soap+xml; charset=utf-8"
            headers = {"Content-Type": f'{kind}; action="{known.soapaction}"'}
        return Message(body, headers)

    def read(self, operation: str, reply: Reply) -> Any:
        """The result in a reply.

        Raises `NothingDone` or `PerhapsDone` where there is none, with a text that holds
        nothing of the reply but names of the schema.
        """
        body = _body(reply)
        output = self._binding.get(operation).output
        answer = next(iter(body), None)
        if answer is None or answer.tag != output.body.qname:
            message = "not an answer to what was asked"
            raise PerhapsDone(message)
        _prune(answer, output.body.type)
        self._check(answer)
        (name, _), *_ = output.body.type.elements
        result = getattr(output.body.parse(answer, self._client.wsdl.types), name)
        if result is None:
            message = "answer without a result"
            raise PerhapsDone(message)
        return result

    def _check(self, answer: etree._Element) -> None:
        with self._lock:  # the error log is the schema's, not the answer's
            if self._schema.validate(answer):
                return
            kind = next((entry.type_name for entry in self._schema.error_log), "")
        # The kind of fault alone: the messages quote values.
        raise PerhapsDone(f"answer breaks the contract: {kind.removeprefix('SCHEMAV_')}")


@frozen(repr=False)
class Message:
    """A request as it is posted."""

    body: bytes
    headers: Mapping[str, str]


# ── loading ──────────────────────────────────────────────────────────────────────────────


def load_contract(place: str, soap: str | None, http: Http) -> Contract:
    """The contract in a WSDL file or URL, for a SOAP version, or the first that it has.

    Raises `ConnectionProblems`.
    """
    loader = _Loader(http)
    settings = Settings(forbid_dtd=True, forbid_entities=True)
    try:
        client = Client(place, transport=loader, settings=settings)  # type: ignore[no-untyped-call]
        schema = _schema(loader.loaded)
    except ConnectionProblems:
        raise
    except Exception as error:
        says = f"service.wsdl: {place} is no WSDL that can be read: {type(error).__name__}"
        raise ConnectionProblems("the connection cannot be used", [says]) from error
    ports = {
        version: port
        for version, kind in BINDINGS.items()
        for service in client.wsdl.services.values()
        for port in service.ports.values()
        if type(port.binding) is kind
    }
    soap = soap or next(iter(ports), "")
    if soap not in ports:
        has = f"SOAP {' and '.join(ports)} only" if ports else "no port for SOAP"
        says = f"service.soap: {place} has {has}"
        raise ConnectionProblems("the connection cannot be used", [says])
    binding = ports[soap].binding
    return Contract(
        soap=soap,
        versions=tuple(ports),
        operations=frozenset(binding.all()),
        client=client,
        binding=binding,
        schema=schema,
    )


@define
class _Loader:
    """Brings documents to zeep, by file or within limits of time and size, and keeps them."""

    http: Http
    loaded: dict[str, bytes] = field(factory=dict)

    def load(self, url: str) -> bytes:
        """A document; ConnectionProblems where there is none."""
        if url not in self.loaded:
            self.loaded[url] = self._fetched(url) if is_url(url) else _from_file(url)
        return self.loaded[url]

    def _fetched(self, url: str) -> bytes:
        try:
            reply = self.http.get(url, LOADING)
        except Trouble as trouble:
            raise _unreadable(url, str(trouble)) from None
        if reply.status != 200:
            raise _unreadable(url, f"it answers with HTTP status {reply.status}")
        if _is_page(reply):
            raise _unreadable(url, "it answers with a web page")
        return reply.body


def _from_file(place: str) -> bytes:
    try:
        return Path(place.removeprefix("file://")).read_bytes()
    except OSError as error:
        raise _unreadable(place, error.strerror or "cannot be opened") from error


def _unreadable(place: str, why: str) -> ConnectionProblems:
    return ConnectionProblems(
        "the connection cannot be used", [f"service.wsdl: no WSDL at {place}: {why}"]
    )


def _schema(documents: Mapping[str, bytes]) -> etree.XMLSchema:
    """One schema of all that stand in the documents, by which answers are judged.

    lxml takes a schema as a text of its own, so each one is cut out with its prefixes, and an
    outer schema imports them all.
    """
    texts: dict[str, bytes] = {}
    outer = etree.Element(f"{{{XS}}}schema")
    for place, content in documents.items():
        root = etree.fromstring(content, _parser())
        for number, schema in enumerate(root.iter(f"{{{XS}}}schema")):
            for link in schema.iterfind("{*}include[@schemaLocation]"):
                link.set("schemaLocation", urljoin(place, link.get("schemaLocation")))
            for link in schema.iterfind("{*}import"):
                link.attrib.pop("schemaLocation", None)
            name = f"{place}#{number}" if schema.getparent() is not None else place
            texts[name] = etree.tostring(schema)
            namespace = schema.get("targetNamespace")
            if namespace:
                at = {"namespace": namespace, "schemaLocation": name}
                etree.SubElement(outer, f"{{{XS}}}import", at)
    parser = _parser()
    parser.resolvers.add(_Texts(texts))
    return etree.XMLSchema(etree.fromstring(etree.tostring(outer), parser))


class _Texts(etree.Resolver):
    """Gives schemas to lxml by name."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        super().__init__()
        self._texts = texts

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:  # noqa: ARG002
        """The schema of that name; none from anywhere else."""
        return self.resolve_string(self._texts.get(system_url or "", b""), context)


# ── reading ──────────────────────────────────────────────────────────────────────────────


def _parser() -> etree.XMLParser:
    """No entities, no network, and libxml2's own limits of size and depth."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _body(reply: Reply) -> etree._Element:
    """The body of an answer's envelope."""
    envelope = _envelope(reply)
    if reply.status in REFUSED_UNREAD and envelope is None:
        raise NothingDone(f"HTTP status {reply.status}")
    if envelope is None:
        what = "a web page" if _is_page(reply) else "no SOAP envelope"
        raise PerhapsDone(f"{what} with HTTP status {reply.status}")
    body = envelope.find("{*}Body")
    fault = None if body is None else body.find("{*}Fault")
    if fault is not None:
        raise _fault(fault)
    if body is None or reply.status != 200:
        raise PerhapsDone(f"no answer in the envelope, with HTTP status {reply.status}")
    return body


def _envelope(reply: Reply) -> etree._Element | None:
    """The envelope of a reply; None where it is none, or has a DOCTYPE."""
    try:
        root = etree.fromstring(reply.body, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return None
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in ENVELOPES:
        return None
    return None if root.getroottree().docinfo.doctype else root


def _fault(fault: etree._Element) -> Trouble:
    """What a fault says. Its text can hold stack traces and values: only its code is told."""
    namespace = etree.QName(fault).namespace or ""
    code = fault.find(ENVELOPES.get(namespace, "faultcode").replace("Code/", "{*}Code/"))
    local = ((code.text if code is not None else None) or "").rpartition(":")[2]
    kind = local.partition(".")[0].strip()
    if kind in SENDER_FAULTS:
        return NothingDone(f"SOAP fault {kind}")
    return PerhapsDone(f"SOAP fault {kind}" if kind in ("Server", "Receiver") else "SOAP fault")


def _is_page(reply: Reply) -> bool:
    start = reply.body[:512].lstrip().lower()
    return "html" in reply.content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def _prune(node: etree._Element, kind: Any) -> None:
    """Takes out the elements that the type of a node does not know."""
    if not isinstance(kind, ComplexType):
        return
    known = dict(_named(kind))
    if None in known:  # it has room for anything
        return
    for child in node.iterchildren(tag=etree.Element):
        if child.tag in known:
            _prune(child, known[child.tag])
        else:
            node.remove(child)


def _named(kind: ComplexType) -> Iterator[tuple[str | None, Any]]:
    for _, element in kind.elements:
        name = getattr(element, "qname", None)
        yield (name.text if name is not None else None), getattr(element, "type", None)
