"""Real Asterisks, each in its own folder: Debian's packages, installed with mmdebstrap.

A folder is made once and kept. This needs root and mmdebstrap. Without them, tests are skipped, but
fail if CI is true.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

SUITES = {"16": "bullseye", "22": "sid"}
"""Versions of Asterisk, and the Debian releases that have them."""
PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "asterisk-core-sounds-es-gsm")
MMDEBSTRAP = shutil.which("mmdebstrap")


def cache() -> Path:
    """Return the folder for things that take long to make."""
    named = os.environ.get("PAPERLESS_IVR_TEST_CACHE")
    folder = Path(named) if named else Path.home() / ".cache" / "paperless-ivr-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def lacking() -> str:
    """Return why there cannot be an Asterisk here; "" if there can."""
    if os.geteuid() != 0:
        return "only root can make and enter an Asterisk's folder"
    return "" if MMDEBSTRAP else "mmdebstrap is not installed"


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other processes from doing the same thing at the same time."""
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def root(version: str) -> Path:
    """Return the folder of an Asterisk, creating it if necessary."""
    assert MMDEBSTRAP is not None
    suite = SUITES[version]
    name = f"asterisk-{suite}-{crc32(' '.join(PACKAGES).encode()):08x}"
    to = cache() / name
    with alone(name):
        if not to.exists():
            making = cache() / f"{name}.making"
            shutil.rmtree(making, ignore_errors=True)
            done = subprocess.run(
                [
                    MMDEBSTRAP,
                    "--mode=root",
                    "--variant=essential",
                    "--dpkgopt=force-unsafe-io",
                    '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror may be outdated
                    f"--include={','.join(PACKAGES)}",
                    suite,
                    str(making),
                    mirror(),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            making.rename(to)
    return to


def mirror() -> str:
    """Return the machine's own source of Debian packages, according to apt."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    sites = [site for site in done.stdout.split() if "security" not in site]
    return next((site for site in sites if site.rstrip("/").endswith("debian")), sites[0])
