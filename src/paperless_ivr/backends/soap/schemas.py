"""Schemas that many WSDLs refer to but do not include, reduced to what zeep needs.

Their hosts are slow, redirect, or cannot be reached from call servers.
"""

from collections.abc import Mapping

from zeep.xsd.types.builtins import default_types

XSD = "http://www.w3.org/2001/XMLSchema"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XML = "http://www.w3.org/XML/1998/namespace"

_TEXTS = "".join(
    f'<s:complexType name="{name.localname}"><s:simpleContent>'
    f'<s:extension base="s:{name.localname}"/></s:simpleContent></s:complexType>'
    for name in default_types
)
"""XML Schema's types in the namespace of the encoding, as Axis 1 refers to them."""


def _schema(namespace: str, content: str = "") -> bytes:
    return f'<s:schema xmlns:s="{XSD}" targetNamespace="{namespace}">{content}</s:schema>'.encode()


_XML = _schema(
    XML,
    '<s:attribute name="lang" type="s:string"/><s:attribute name="space" type="s:string"/>'
    '<s:attribute name="base" type="s:string"/><s:attribute name="id" type="s:string"/>'
    '<s:attributeGroup name="specialAttrs"/>',
)

KNOWN: Mapping[str, bytes] = {
    "schemas.xmlsoap.org/soap/encoding": _schema(
        ENCODING,
        '<s:attribute name="arrayType" type="s:string"/><s:complexType name="Array"><s:sequence>'
        '<s:any namespace="##any" minOccurs="0" maxOccurs="unbounded" processContents="lax"/>'
        f"</s:sequence></s:complexType>{_TEXTS}",
    ),
    "schemas.xmlsoap.org/wsdl": _schema("http://schemas.xmlsoap.org/wsdl/"),
    "www.w3.org/2001/XMLSchema": _schema(XSD),
    "www.w3.org/2001/XMLSchema.xsd": _schema(XSD),
    "www.w3.org/2001/xml.xsd": _XML,
    "www.w3.org/2001/03/xml.xsd": _XML,
}
"""The schemas by their URL, without the scheme or a trailing slash."""
