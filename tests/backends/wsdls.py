"""The contract as other services might have it, created by changing the text of ours."""

import re
from pathlib import Path

from paperless_ivr.cloudivr import WSDL
from paperless_ivr.flow.requests import OPERATIONS

CONTRACT = WSDL.read_text(encoding="utf-8")


def without(*operations: str) -> str:
    """Return the contract without some operations."""
    found = CONTRACT
    for operation in operations:
        for pattern in (
            rf'<s:element name="{operation}(Response)?">.*?</s:complexType>\s*</s:element>',
            rf'<wsdl:message name="{operation}Soap(In|Out)">.*?</wsdl:message>',
            rf'<wsdl:operation name="{operation}">.*?</wsdl:operation>',
        ):
            found = re.sub(pattern, "", found, flags=re.DOTALL)
    return found


def only(*operations: str) -> str:
    """Return the contract with only these operations."""
    return without(*sorted(OPERATIONS - set(operations)))


def renamed(**names: str) -> str:
    """Return the contract with other names of fields."""
    found = CONTRACT
    for ours, theirs in names.items():
        found = found.replace(f'name="{ours}"', f'name="{theirs}"')
    return found


def retyped(field: str, kind: str) -> str:
    """Return the contract with another type of a field."""
    return re.sub(rf'(name="{field}"[^>]* type=)"[^"]+"', rf'\1"{kind}"', CONTRACT)


def wrapped(operation: str) -> str:
    """Return the contract with an operation's fields inside another, as related services do."""
    fields = re.search(
        rf'<s:element name="{operation}">\s*<s:complexType>(.*?)</s:complexType>', CONTRACT,
        re.DOTALL,
    )  # fmt: skip
    assert fields
    inside = '<s:sequence><s:element name="Req" type="tns:Wrapped" /></s:sequence>'
    kind = f'<s:complexType name="Wrapped">{fields[1]}</s:complexType>'
    return CONTRACT.replace(fields[1], inside, 1).replace("</s:schema>", f"{kind}</s:schema>")


GUID = """
    <s:schema elementFormDefault="qualified" targetNamespace="http://microsoft.com/wsdl/types/">
      <s:simpleType name="guid">
        <s:restriction base="s:string">
          <s:pattern value="[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" />
        </s:restriction>
      </s:simpleType>
    </s:schema>
"""
"""The schema that ASP.NET adds if a field is a System.Guid."""


def with_guids() -> str:
    """Return the contract with its GUIDs typed, in a second schema."""
    found = CONTRACT.replace("</s:schema>\n", f"</s:schema>{GUID}", 1)
    found = found.replace(
        'targetNamespace="https://www.invoicecloud.com/portal/webservices/CloudIVR/">\n      <s:el',
        'targetNamespace="https://www.invoicecloud.com/portal/webservices/CloudIVR/">\n'
        '      <s:import namespace="http://microsoft.com/wsdl/types/" />\n      <s:el',
        1,
    )
    found = found.replace(
        "<wsdl:definitions ", '<wsdl:definitions xmlns:s1="http://microsoft.com/wsdl/types/" ', 1
    )
    return re.sub(r'(name="[A-Za-z]+GUID"[^>]* type=)"s:string"', r'\1"s1:guid"', found)


def put(folder: Path, text: str) -> str:
    """Write a WSDL, and return its path."""
    file = folder / "Biller.wsdl"
    file.write_text(text, encoding="utf-8")
    return str(file)


def two_services() -> str:
    """Return the contract with an older service in it: another port type, the same operations."""
    start = CONTRACT.index('  <wsdl:portType name="CloudIVRSoap">')
    end = CONTRACT.index("</wsdl:portType>", start) + len("</wsdl:portType>")
    port_type = CONTRACT[start:end].replace('name="CloudIVRSoap"', 'name="OldType"')
    start = CONTRACT.index('  <wsdl:binding name="CloudIVRSoap"')
    end = CONTRACT.index("</wsdl:binding>", start) + len("</wsdl:binding>")
    binding = CONTRACT[start:end].replace('name="CloudIVRSoap"', 'name="OldSoap"', 1)
    binding = binding.replace('type="tns:CloudIVRSoap"', 'type="tns:OldType"', 1)
    service = (
        '<wsdl:service name="Old"><wsdl:port name="OldSoap" binding="tns:OldSoap">'
        '<soap:address location="http://internal/Old.asmx"/></wsdl:port></wsdl:service>'
    )
    whole = f"{port_type}{binding}{service}</wsdl:definitions>"
    return CONTRACT.replace("</wsdl:definitions>", whole)
