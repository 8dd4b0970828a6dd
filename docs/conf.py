"""The Sphinx configuration of the site: `make docs` writes it to build/site."""

from pathlib import Path, PurePath
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes

from paperless_ivr import __version__
from paperless_ivr.diagrams.chapters import LETTERS
from paperless_ivr.diagrams.page import page as flow_page
from paperless_ivr.flow.table import FLOW
from paperless_ivr.prompts.catalog import ours

project = "paperless_ivr"
html_title = f"paperless_ivr {__version__}"
html_theme = "furo"
html_show_copyright = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
exclude_patterns = ["__pycache__"]

myst_heading_anchors = 4

autodoc_member_order = "bysource"
default_role = "code"  # docstrings write `names` as in Markdown

LONGEST_SIGNATURE = 500


def _short(*told: Any) -> tuple[str, str] | None:
    """Shorten a signature whose defaults are whole policies. The fields below it say more."""
    signature, returns = told[-2:]
    return ("(…)", returns) if signature and len(signature) > LONGEST_SIGNATURE else None


FLOW_PAGE = "whole-flow.html"


def _link_pictures(_: Any, doctree: Any, page: str) -> None:
    """Make each picture of the flow open the interactive page of the whole flow at its chapter."""
    anchors = {phase.name.lower(): letter for phase, letter in LETTERS.items()}
    for node in list(doctree.findall(addnodes.download_reference)):
        picture = PurePath(node["reftarget"])
        if picture.suffix == ".svg":
            there = (
                f"{'../' * page.count('/')}{FLOW_PAGE}#{anchors.get(picture.stem, picture.stem)}"
            )
            node.replace_self(nodes.reference("", "", *node.children, refuri=there))


def _write_flow(app: Any, error: Exception | None) -> None:
    """Write the page of the whole flow along with the others."""
    if error is None:
        text = flow_page(FLOW, words=ours("en-US"))
        Path(app.outdir, FLOW_PAGE).write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """Connect the functions above to Sphinx, which calls this."""
    app.connect("doctree-resolved", _link_pictures)
    app.connect("build-finished", _write_flow)
    app.connect("autodoc-process-signature", _short)
