"""Files that connect to a service."""

import json
from pathlib import Path

from paperless_ivr.cli.setups import demo_connection


def connected(folder: Path, address: str, **more: object) -> Path:
    """Return a file that connects to an address as the demo's line does."""
    demo = demo_connection(address)
    (folder / "key").write_text(demo.partner_key.reveal(), encoding="utf-8")
    lines = {
        "address": address,
        "biller_guid": demo.biller_guid,
        "partner_guid": demo.partner_guid,
        "partner_key_file": "key",
        **more,
    }
    file = folder / "connection.toml"
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in lines.items())
    file.write_text(f"[service]\n{text}\n", encoding="utf-8")
    return file
