"""The contract in `CloudIVR.wsdl`. Messages in both directions are checked against it."""

import re
from collections.abc import Mapping
from functools import cached_property
from io import BytesIO
from threading import Lock
from typing import Any

import attrs
from attrs import define, field, frozen
from lxml import etree
from zeep import Transport
from zeep.helpers import serialize_object
from zeep.wsdl import Document

from paperless_ivr.cloudivr import WSDL

NAMESPACE = "https://www.invoicecloud.com/portal/webservices/CloudIVR/"
XSD = "http://www.w3.org/2001/XMLSchema"


class BrokenContract(Exception):
    """A message that violates the contract. The error quotes only names from the contract."""


@frozen
class Version:
    """A version of SOAP, and the format of its messages."""

    binding: str
    media_type: str
    envelope: str
    """The namespace of its envelopes."""
    wsdl: str
    """The namespace of the service's addresses in a WSDL."""
    role: str
    """The attribute that names the intended recipient of a header block."""
    action_required: bool
    client: str
    server: str
    """The fault codes for errors of the client and of the server."""
    client_status: int
    """The HTTP status for a client's error. For any other error, the status is 500."""


SOAP11 = Version(
    binding="CloudIVRSoap",
    media_type="text/xml",
    envelope="http://schemas.xmlsoap.org/soap/envelope/",
    wsdl="http://schemas.xmlsoap.org/wsdl/soap/",
    role="actor",
    action_required=True,  # SOAP 1.1 section 6.1.1
    client="Client",
    server="Server",
    client_status=500,  # SOAP 1.1 section 6.2
)
SOAP12 = Version(
    binding="CloudIVRSoap12",
    media_type="application/soap+xml",
    envelope="http://www.w3.org/2003/05/soap-envelope",
    wsdl="http://schemas.xmlsoap.org/wsdl/soap12/",
    role="role",
    action_required=False,  # SOAP 1.2 part 2 section 6.5.3
    client="Sender",
    server="Receiver",
    client_status=400,  # SOAP 1.2 part 2, table 20
)
VERSIONS = (SOAP11, SOAP12)


@define(eq=False)
class Contract:
    """The WSDL, read once. Safe to use from several threads."""

    _schema_lock: Lock = field(init=False, factory=Lock)

    @cached_property
    def source(self) -> bytes:
        """The WSDL file from the package, unchanged."""
        return WSDL.read_bytes()

    @cached_property
    def _document(self) -> Any:
        return Document(BytesIO(self.source), Transport)  # unused: the WSDL imports nothing

    @cached_property
    def _schema(self) -> etree.XMLSchema:
        (schema,) = etree.fromstring(self.source).iter(f"{{{XSD}}}schema")
        # Converted to text first, because its prefixes are declared on an outer element.
        return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))

    @cached_property
    def operations(self) -> Mapping[str, Any]:
        """The operations by name."""
        return self._binding(SOAP11)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Every name in the contract. Faults can quote these names, but never a client's text."""
        return frozenset(
            element.get("name", "") for element in etree.fromstring(self.source).iter()
        )

    def _binding(self, version: Version) -> Mapping[str, Any]:
        operations: Mapping[str, Any] = self._document.bindings[
            f"{{{NAMESPACE}}}{version.binding}"
        ].all()
        return operations

    def wsdl(self, address: str) -> bytes:
        """Return the WSDL with the given address for the service."""
        tree = etree.fromstring(self.source)
        for version in VERSIONS:
            for element in tree.iter(f"{{{version.wsdl}}}address"):
                element.set("location", address)
        return etree.tostring(tree, xml_declaration=True, encoding="utf-8")

    def action(self, operation: str) -> str:
        """Return the SOAPAction of an operation."""
        return NAMESPACE + operation

    def read(self, element: etree._Element) -> tuple[str, dict[str, Any]]:
        """Return the operation that a body calls, and its fields.

        Raises `BrokenContract` if they are invalid.
        """
        tag = etree.QName(element)
        if tag.namespace != NAMESPACE or tag.localname not in self.operations:
            message = f"The operation is unknown. The operations are {', '.join(self.operations)}."
            raise BrokenContract(message)
        self._check(element, tag.localname)
        operation = self.operations[tag.localname]
        value = operation.input.body.parse(element, self._document.types)
        return tag.localname, serialize_object(value, dict)  # type: ignore[no-untyped-call]

    def write(self, version: Version, operation: str, answer: Any) -> bytes:
        """Return an answer in its envelope. Raises `BrokenContract` if it is invalid."""
        fields = _wrapped(answer)
        output = self._binding(version)[operation].output
        envelope = output.serialize(**{f"{operation}Result": fields}).content
        (body,) = envelope.iter(f"{{{version.envelope}}}Body")
        self._check(body[0], operation)
        return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")

    def _check(self, element: etree._Element, operation: str) -> None:
        alone = etree.fromstring(etree.tostring(element, with_tail=False))
        with self._schema_lock:  # all validations share the schema's error log
            if self._schema.validate(alone):
                return
            problems = dict.fromkeys(map(self._problem, self._schema.error_log))
        message = f"{operation}: {' '.join(problems)}"
        raise BrokenContract(message)

    def _problem(self, entry: Any) -> str:
        """Describe a problem without quoting values, unlike libxml2's own messages."""
        named = re.search(r"^Element '(?:\{[^}]*\})?(\w+)'", entry.message)
        where = named[1] if named and named[1] in self._names else "A field"
        if entry.type_name.startswith("SCHEMAV_CVC_DATATYPE"):
            return f"{where} has a value of the wrong type."
        if entry.type_name != "SCHEMAV_ELEMENT_CONTENT":
            return f"{where} does not match the contract."
        if "Missing child element" in entry.message:
            # The message lists the fields that are allowed here. The last of them is required.
            expected = re.findall(r"\}(\w+)", entry.message.rpartition("Expected is")[2])
            return f"{expected[-1]} is missing."
        return f"{where} is not expected here."


def _wrapped(answer: Any) -> dict[str, Any]:
    """Return an answer's fields. Each list is wrapped in the element that the contract defines."""
    said = {field.name: getattr(answer, field.name) for field in attrs.fields(type(answer))}
    return {
        name: {name.removesuffix("s"): [_wrapped(item) for item in value]}
        if isinstance(value, tuple)
        else value
        for name, value in said.items()
    }
