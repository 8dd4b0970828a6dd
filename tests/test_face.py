"""The names that `import paperless_ivr` provides."""

import importlib.metadata
import subprocess
import sys

import pytest

import paperless_ivr

pytestmark = pytest.mark.requirement("R58")

LIGHT = """
import sys
import paperless_ivr
print(*(name for name in sys.modules if name.startswith("paperless_ivr.")))
paperless_ivr.Digits
print("zeep" in sys.modules, "sqlalchemy" in sys.modules, "transitions" in sys.modules)
"""


@pytest.mark.parametrize("name", paperless_ivr.__all__)
def test_every_name_is_there(name):
    """Each name can be imported, and is listed."""
    assert getattr(paperless_ivr, name).__name__ == name
    assert name in dir(paperless_ivr)


def test_the_import_is_light():
    """Nothing is loaded before it is used, and then only what it needs."""
    out = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)

    assert out.stdout.splitlines() == ["", "False False False"]


def test_the_version_is_the_distribution_s():
    """The version is defined in one place."""
    assert paperless_ivr.__version__ == importlib.metadata.version("paperless-ivr")


def test_a_wrong_name_is_an_error():
    """A name that does not exist raises an error."""
    with pytest.raises(AttributeError, match="Flaw"):
        paperless_ivr.Flaw()
