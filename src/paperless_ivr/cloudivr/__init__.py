"""The reference CloudIVR service: its contract, its database, and its server."""

from pathlib import Path

WSDL = Path(__file__).with_name("CloudIVR.wsdl")
"""The file with the contract."""
