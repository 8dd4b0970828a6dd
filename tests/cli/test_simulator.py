"""`paperless-ivr simulator`: the server as started."""

import signal
import subprocess
import sys

import pytest
import urllib3

pytestmark = pytest.mark.requirement("R54")


def test_its_page_can_repeat_the_command() -> None:
    """The command has the options that the server was started with."""
    code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
    arguments = ["simulator", "--no-open", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            said = server.stdout.readline()
            url = said.removeprefix("listening on ").partition(" ")[0]
            opened = urllib3.request("POST", f"{url}tabs").json()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
    assert opened["command"] == "paperless-ivr simulator --no-open --port 0"
