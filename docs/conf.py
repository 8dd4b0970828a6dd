"""How Sphinx makes the site: `make docs` writes it to build/site."""

from typing import Any

from paperless_ivr import __version__

project = "paperless_ivr"
html_title = f"paperless_ivr {__version__}"
html_theme = "furo"
html_show_copyright = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
exclude_patterns = ["__pycache__"]

myst_heading_anchors = 4

autodoc_member_order = "bysource"
default_role = "code"  # docstrings write `names` as Markdown does

LONGEST_SIGNATURE = 500


def _short(*told: Any) -> tuple[str, str] | None:
    """Drops a signature whose defaults are whole policies: the fields below it tell more."""
    signature, returns = told[-2:]
    return ("(…)", returns) if signature and len(signature) > LONGEST_SIGNATURE else None


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", _short)
