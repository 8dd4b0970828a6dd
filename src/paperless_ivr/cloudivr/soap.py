"""Handles SOAP 1.1 and 1.2 over HTTP: takes an envelope, and returns an answer or a fault.

Faults describe an error with names from the contract. They never repeat what a client wrote.
"""

from typing import Any

import structlog
from attrs import frozen
from lxml import etree
from lxml.builder import ElementMaker
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Request, Response

from paperless_ivr.cloudivr.contract import SOAP11, VERSIONS, BrokenContract, Contract, Version
from paperless_ivr.cloudivr.operations import CloudIVR

MAX_BODY = 1_000_000
"""The maximum size of a request, in bytes. The contract's envelopes need a few hundred."""
XML = "http://www.w3.org/XML/1998/namespace"
NEXT = (
    "http://schemas.xmlsoap.org/soap/actor/next",
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
)
"""The roles in which this service acts. Header blocks without a role are also meant for it."""

_log = structlog.get_logger()


class Fault(Exception):
    """A message that can only be answered with a fault."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@frozen
class Endpoint:
    """The endpoint to which clients post envelopes."""

    service: CloudIVR
    contract: Contract

    def answer(self, request: Request) -> Response:
        """Return the answer to an envelope."""
        version = _version(request)
        try:
            operation, fields = self._read(version, request)
            answer = getattr(self.service, operation)(**fields)
            return _response(version, 200, self.contract.write(version, operation, answer))
        except Fault as fault:
            return _fault(version, fault)
        except HTTPException:  # too large or cut off: there is no message to answer
            raise
        except Exception as error:  # noqa: BLE001 - the client gets a fault for any error
            _log.error("cloudivr.failed", error=type(error).__name__)
            return _fault(version, Fault(version.server, "The service failed."))

    def _read(self, version: Version, request: Request) -> tuple[str, dict[str, Any]]:
        text = request.get_data()
        if len(text) >= MAX_BODY:
            raise RequestEntityTooLarge  # a body of unknown length is cut off at that size
        body = _body(version, _parsed(version, text))
        try:
            operation, fields = self.contract.read(body)
        except BrokenContract as broken:
            raise Fault(version.client, str(broken)) from broken
        action = _action(version, request)
        if action is not None and action != self.contract.action(operation):
            message = f"The action of {operation} must be {self.contract.action(operation)}."
            raise Fault(version.client, message)
        return operation, (fields["Request"] or {}) if "Request" in fields else fields


# ── reading ──────────────────────────────────────────────────────────────────────────────


def _version(request: Request) -> Version:
    """Return the SOAP version that the request's content type indicates."""
    for version in VERSIONS:
        if request.mimetype == version.media_type:
            return version
    raise UnsupportedMediaType


def _action(version: Version, request: Request) -> str | None:
    """Return the action that the client sent."""
    if version.action_required:
        action = request.headers.get("SOAPAction")
        if action is None:
            raise Fault(version.client, "The SOAPAction header is missing.")
        return action.strip().strip('"')
    return request.mimetype_params.get("action")


def _parsed(version: Version, text: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        message = "The body is not well-formed XML."
        raise Fault(version.client, message) from error
    if root.getroottree().docinfo.doctype:  # SOAP 1.1 section 3, SOAP 1.2 part 1 section 5
        raise Fault(version.client, "A SOAP message must not have a DOCTYPE.")
    return root


def _body(version: Version, root: etree._Element) -> etree._Element:
    """Return the element in an envelope's body."""
    tag = etree.QName(root)
    if tag.localname != "Envelope":
        raise Fault(version.client, "The message is not a SOAP envelope.")
    if tag.namespace != version.envelope:
        message = f"The namespace of a {version.media_type} envelope must be {version.envelope}."
        raise Fault("VersionMismatch", message)
    head = f"{{{version.envelope}}}Header"
    body = f"{{{version.envelope}}}Body"
    if [part.tag for part in root] not in ([body], [head, body]):
        raise Fault(
            version.client, "An envelope must have one body, with at most one header before it."
        )
    for block in root.iterfind(f"{head}/*"):
        if _must_be_understood(version, block):
            message = "The message has a mustUnderstand header that this service does not support."
            raise Fault("MustUnderstand", message)
    held = root[-1]
    if len(held) != 1:
        raise Fault(version.client, "The body of an envelope must contain one element.")
    return held[0]


def _must_be_understood(version: Version, block: etree._Element) -> bool:
    role = block.get(f"{{{version.envelope}}}{version.role}")
    must = block.get(f"{{{version.envelope}}}mustUnderstand")
    return must in {"1", "true"} and (not role or role in NEXT)


# ── answering ────────────────────────────────────────────────────────────────────────────


def _fault(version: Version, fault: Fault) -> Response:
    soap = ElementMaker(namespace=version.envelope, nsmap={"soap": version.envelope})
    plain = ElementMaker()
    code = f"soap:{fault.code}"
    if version is SOAP11:
        parts = [plain.faultcode(code), plain.faultstring(fault.reason)]
        if fault.code in (version.client, version.server):
            parts.append(plain.detail())  # SOAP 1.1 section 4.4: for errors outside the header
    else:
        reason = soap.Text(fault.reason, {f"{{{XML}}}lang": "en"})
        parts = [soap.Code(soap.Value(code)), soap.Reason(reason)]
    envelope = soap.Envelope(soap.Body(soap.Fault(*parts)))
    text = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return _response(version, version.client_status if fault.code == version.client else 500, text)


def _response(version: Version, status: int, text: bytes) -> Response:
    return Response(text, status, content_type=f"{version.media_type}; charset=utf-8")
