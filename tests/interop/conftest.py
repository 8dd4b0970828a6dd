"""SOAP libraries in another language: npm's, on Node."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MISSING = "needs Node and npm's soap: install nodejs and npm, then run make prove"


@pytest.fixture(scope="session")
def node() -> str:
    """The program `node`, with npm's soap. Without it, a test is skipped, or fails in CI."""
    program = shutil.which("node")
    if program and (FOLDER / "node_modules/soap").is_dir():
        return program
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture
def soap_server(node: str) -> Iterator[Callable[..., str]]:
    """Starts npm's SOAP server with our WSDL, provides its address, and stops it afterward."""
    with ExitStack() as ending:
        wsdl = ending.enter_context(
            as_file(files("paperless_ivr.cloudivr").joinpath("CloudIVR.wsdl"))
        )

        def start(*options: str) -> str:
            process = ending.enter_context(
                subprocess.Popen(
                    [node, "server.js", str(wsdl), *options],
                    cwd=FOLDER,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert process.stdin
            assert process.stdout
            ending.callback(process.stdin.close)
            return f"http://127.0.0.1:{process.stdout.readline().strip()}/CloudIVR.asmx"

        yield start
