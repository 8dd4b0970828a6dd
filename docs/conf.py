"""How Sphinx makes the site: `make docs` writes it to build/site."""

from pathlib import PurePath
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes

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


def _open_pictures(_: Any, doctree: Any, page: str) -> None:
    """Links to pictures open them, beside each other as they link to one another."""
    for node in list(doctree.findall(addnodes.download_reference)):
        if node["reftarget"].endswith(".svg"):
            picture = f"{'../' * page.count('/')}_images/{PurePath(node['reftarget']).name}"
            node.replace_self(nodes.reference("", "", *node.children, refuri=picture))


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("doctree-resolved", _open_pictures)
    app.connect("autodoc-process-signature", _short)
