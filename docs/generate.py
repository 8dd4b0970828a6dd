"""Writes the generated docs: `python docs/generate.py`, or `make docs`.

With `--check`, it writes nothing. If any pages are out of date, it names them and exits with
status 1.

To add a page, add a `Page` to `PAGES`: its path, and a function that returns its text. With a
`region`, the text goes between two marks in a page that is otherwise written by hand:

    <!-- generated: NAME -->
    <!-- end: NAME -->
"""

import argparse
import ast
import enum
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args, get_origin

from paperless_ivr.diagrams.chapters import LETTERS
from paperless_ivr.diagrams.painting import file_name
from paperless_ivr.diagrams.pictures import chapters, overview
from paperless_ivr.diagrams.text import markdown
from paperless_ivr.flow.states import Phase
from paperless_ivr.flow.table import FLOW

if TYPE_CHECKING:
    from attrs import Attribute

ROOT = Path(__file__).resolve().parent.parent
MEND = "make docs"


class DocsError(Exception):
    """An error in the sources of the docs. The message includes the location."""


@dataclass(frozen=True)
class Page:
    """A generated file, or the generated region `region` of a file."""

    path: str
    render: Callable[[Path], str]
    region: str | None = None

    def __str__(self) -> str:
        return f"{self.path} ({self.region})" if self.region else self.path

    def now(self, root: Path) -> str:
        """Return the current text of the file; empty if there is none."""
        file = root / self.path
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def due(self, root: Path) -> str:
        """Return the text that the file should have."""
        text = self.render(root).strip("\n") + "\n"
        if self.region is None:
            return text
        start, end = f"<!-- generated: {self.region} -->\n", f"<!-- end: {self.region} -->"
        now = self.now(root)
        if now.count(start) != 1 or now.count(end) != 1:
            raise DocsError(f"{self.path}: needs one {start.strip()} and one {end}")
        before, _, rest = now.partition(start)
        _, _, after = rest.partition(end)
        return f"{before}{start}\n{text}\n{end}{after}"


def stale(pages: Iterable[Page], root: Path) -> Iterator[Page]:
    """Return the pages that are out of date."""
    return (page for page in pages if page.now(root) != page.due(root))


def write(page: Page, root: Path) -> None:
    """Update a page."""
    file = root / page.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page.due(root), encoding="utf-8")


# --- traceability: requirements, and the tests and transcripts that prove them ---

_REQUIREMENT = re.compile(r"^\| (R\d\d) \| (.+) \|$", re.MULTILINE)
_PROVES = re.compile(r"^# proves: *(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Proof:
    """A test or a transcript, and the requirements that it is marked as proving."""

    path: str
    name: str
    numbers: tuple[str, ...]

    def link(self, page: str) -> str:
        """Return a Markdown link to it from a page."""
        return f"[{self.name}]({'../' * page.count('/')}{self.path})"


def requirements(root: Path) -> Mapping[str, str]:
    """Return the requirements by number, as listed in docs/requirements.md."""
    text = (root / "docs/requirements.md").read_text(encoding="utf-8")
    return dict(_REQUIREMENT.findall(text))


def marked_tests(root: Path) -> Iterator[Proof]:
    """Yield the tests with `requirement` marks: functions, classes, and whole files."""
    for file in sorted((root / "tests").rglob("test_*.py")):
        path = file.relative_to(root).as_posix()
        tree = ast.parse(file.read_text(encoding="utf-8"), path)
        for name, marks in _marks(tree, file.stem):
            numbers = tuple(number for mark in marks for number in _numbers(mark, path))
            if numbers:
                yield Proof(path, name, numbers)


def _marks(tree: ast.AST, name: str) -> Iterator[tuple[str, list[ast.expr]]]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Assign(targets=[ast.Name("pytestmark")], value=value):
                yield name, [value]
            case ast.ClassDef():
                yield node.name, node.decorator_list
                yield from _marks(node, node.name)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.decorator_list


def _numbers(mark: ast.expr, path: str) -> Iterator[str]:
    for node in ast.walk(mark):
        match node:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=args):
                for arg in args:
                    if not (isinstance(arg, ast.Constant) and isinstance(arg.value, str)):
                        raise DocsError(f'{path}:{arg.lineno}: write a literal number: "R01"')
                    yield arg.value


def marked_transcripts(root: Path) -> Iterator[Proof]:
    """Yield the transcripts with a line `# proves: R03, R17`."""
    for file in sorted((root / "tests/transcripts").rglob("*.call")):
        path = file.relative_to(root).as_posix()
        if said := _PROVES.search(file.read_text(encoding="utf-8")):
            numbers = tuple(number.strip() for number in said[1].split(","))
            yield Proof(path, file.name, numbers)


def traceability(root: Path) -> str:
    """Return the page that shows what proves each requirement, and which requirements are open."""
    page = "docs/traceability.md"
    wanted = requirements(root)
    proofs = [*marked_tests(root), *marked_transcripts(root)]
    for proof in proofs:
        for number in proof.numbers:
            if number not in wanted:
                raise DocsError(
                    f"{proof.path}: {proof.name} proves {number}, which is not a requirement"
                )
    rows = []
    for number, text in wanted.items():
        proven_by = dict.fromkeys(proof.link(page) for proof in proofs if number in proof.numbers)
        rows.append(f"| {number} | {text} | {'<br>'.join(proven_by) or '**open**'} |")
    return "\n".join(
        [
            "<!-- made by docs/generate.py from docs/requirements.md and the tests -->",
            "",
            "# Traceability",
            "",
            "This page lists the tests and transcripts that are marked as proving each",
            "[requirement](requirements.md). **Open** means that none are marked.",
            "",
            "| | Requirement | Proved by |",
            "|---|---|---|",
            *rows,
        ]
    )


# --- policy: every setting, and the questions that settings answer ---

QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Is an e-mail address required, or is a texted link enough?", ("address.email_required",)),
    ("What happens if no address is on file?", ("address.strategies",)),
    ("Can a caller go back to paper by telephone?", ("back_to_paper.by_phone",)),
    ("Which invoice types can go paperless?", ("bills.eligible",)),
    ("When are callers who said no asked again?", ("offer.again_after_days.declined",)),
    ("When are callers who ignored the offer asked again?", ("offer.again_after_days.ignored",)),
    (
        "When are callers who have not opened their link asked again?",
        ("offer.again_after_days.pending",),
    ),
    ("When are callers who hung up halfway asked again?", ("offer.again_after_days.abandoned",)),
    (
        "When are callers asked again after a failed registration or an outage?",
        ("offer.again_after_days.failed", "offer.again_after_days.unavailable"),
    ),
    ("Who sends the message with the link?", ("notification.sent_by",)),
    ("How many more bills may come on paper?", ("notification.bills_still_on_paper",)),
    ("Is AutoPay also offered?", ("autopay.offer",)),
    (
        "Are other bills offered after the first?",
        ("bills.another", "bills.another_at_most"),
    ),
    ("When in the call is paperless billing offered?", ("offer.moments",)),
    ("When can callers enroll with one key?", ("offer.one_question",)),
    ("What reason does the offer give?", ("offer.reason",)),
    ("When is a text offered after enrollment?", ("text.after_enrolment",)),
    ("Can an account be found by caller ID?", ("proof.search_by_phone",)),
    (
        "Who is responsible for these choices?",
        ("about.owner", "about.version", "about.approved_by"),
    ),
)
"""The questions that the source analysis left open, and the settings that answer them."""


def policy_questions(_: Path) -> str:
    """Return a table of the questions, each with its settings and their defaults."""
    from paperless_ivr.flow.policy import Policy
    from paperless_ivr.flow.policy_checks import plain

    defaults = plain(Policy())
    rows = ["| Question | Setting | Default |", "|---|---|---|"]
    for question, places in QUESTIONS:
        answers = []
        for place in places:
            value = defaults
            for key in place.split("."):
                value = value[key]
            answers.append(_default(value))
        named = "<br>".join(f"`{place}`" for place in places)
        rows.append(f"| {question} | {named} | {'<br>'.join(answers)} |")
    rows.append("| Is the activity of calls recorded? | no setting; it is always recorded | |")
    return "\n".join(rows)


def policy_settings(_: Path) -> str:
    """Return a table for each section, with the type, default, and reason of every setting."""
    import attrs

    from paperless_ivr.flow.policy import Policy
    from paperless_ivr.flow.policy_checks import plain, settings

    summaries = {section.name: _summary(section.type) for section in attrs.fields(Policy)}
    lines: list[str] = []
    begun = ""
    for place, setting, value in settings(Policy()):
        section, *key = (str(part) for part in place)
        if section != begun:
            summary = summaries[section] if key else "The biller's own wording."
            lines += ["", f"### `[{section}]`", "", summary, ""]
            lines += ["| Setting | Type | Default | Notes |", "|---|---|---|---|"]
            begun = section
        open_keys = [name.upper().replace(" ", "_") for name in setting.metadata["keys"]]
        name = ".".join([*key, *open_keys])
        why = setting.metadata["why"]
        because = f"{why[0].upper()}{why[1:]}."
        lines.append(f"| `{name}` | {_takes(setting)} | {_default(plain(value))} | {because} |")
    return "\n".join(lines)


def _summary(section: type | None) -> str:
    """Return the purpose of a section: its docstring's first sentence, without requirements."""
    first = (section.__doc__ or "").partition("\n")[0]
    return re.sub(r" \(R[^)]*\)", "", first).partition(". ")[0].rstrip(".") + "."


def _default(value: object) -> str:
    """Return a default in TOML form."""
    match value:
        case None:
            return "unset"
        case bool():
            return f"`{str(value).lower()}`"
        case list():
            return f"`[{', '.join(_default(item).strip('`') for item in value)}]`"
        case dict():
            return "<br>".join(f"`{key} = {item}`" for key, item in value.items()) or "none"
        case str():
            return f'`"{value}"`'
    return f"`{value}`"


def _takes(setting: "Attribute[object]") -> str:
    """Return the values that a setting accepts."""
    kind: Any = setting.type
    bounds = f"{setting.metadata['least']} to {setting.metadata['most']}"
    if setting.metadata["keys"]:
        return "text" if setting.metadata["least"] is None else f"whole number, {bounds}"
    if type(None) in get_args(kind):
        kind = next(each for each in get_args(kind) if each is not type(None))
    if get_origin(kind) is tuple:
        each, *rest = get_args(kind)
        many = f"list of {_kind(each)}" if rest == [...] else f"list of {1 + len(rest)} numbers"
        return many if setting.metadata["least"] is None else f"{many}, {bounds}"
    return _kind(kind) if setting.metadata["least"] is None else f"{_kind(kind)}, {bounds}"


def _kind(kind: type) -> str:
    if issubclass(kind, enum.Enum):
        return ", ".join(f'`"{member.value}"`' for member in kind)
    names = {bool: "`true` or `false`", date: "date", int: "whole number", float: "seconds"}
    return names.get(kind, "text")


# --- the flow: pictures and tables from the live table ---


def flow_by_phase(_: Path) -> str:
    """Return a picture and a table of each chapter."""
    sections = []
    for phase in Phase:
        heading, _newline, table = markdown(FLOW, phase).strip().partition("\n")
        picture = "" if phase is Phase.END else f"{_shown(phase.value, file_name(phase))}\n\n"
        sections.append(f"{heading}\n\n{picture}{table.strip()}")
    return "\n\n".join(sections)


def _shown(title: str, name: str) -> str:
    """Return Markdown that shows a picture and links to it at full size."""
    return f"[![{title}](pictures/{name})](pictures/{name})"


PICTURES = ("overview.svg", *map(file_name, LETTERS))
"""The file names of the overview and of each chapter's picture."""


@cache
def _pictures() -> Mapping[str, str]:
    of_chapters = {file_name(phase): canvas for phase, canvas in chapters(FLOW).items()}
    return {n: c.svg() for n, c in {PICTURES[0]: overview(FLOW), **of_chapters}.items()}


def picture(name: str) -> Page:
    """Return the `Page` for a picture of the flow."""
    return Page(f"docs/pictures/{name}", lambda _: _pictures()[name])


# --- the host's contract: the fields of the classes in flow/host.py ---

HOST_FIELDS: Mapping[str, str] = {
    "moment": "The point at which the host hands over the call.",
    "intent": "What the caller wants to do, if the host knows.",
    "account": "The account number.",
    "invoice": "The invoice number.",
    "invoice_type": "The type of bill, as the service names it.",
    "identity": "How well the caller is identified.",
    "payment": "The payment that was just taken.",
    "guid": "The PaymentGUID from the service.",
    "approved": "Whether the payment was approved.",
    "email": "The e-mail address given for the payment.",
    "edition": "Set by the driver: digests of the flow, policy, and words.",
    "handover": "Set by the driver: distinguishes the hand-overs of one call.",
    "disposition": "How the call ended.",
    "reason": "Why the call ended as it did, if the disposition alone does not explain it.",
    "text": "The outcome of a texted link.",
    "autopay": "The outcome of the AutoPay offer.",
    "language": "The language spoken last.",
    "customer": "The service's identifier for the customer.",
    "outcomes": "The outcome for each bill the caller agreed to change.",
    "registration": "The status of the registration.",
}
"""Descriptions of the fields that have no docstring in the code."""


def host_fields(name: str) -> Callable[[Path], str]:
    """Return a renderer for a table of the fields of a class in flow/host.py."""

    def render(root: Path) -> str:
        tree = ast.parse((root / "src/paperless_ivr/flow/host.py").read_text(encoding="utf-8"))
        body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
        lines = ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
        for node, after in zip(body, [*body[1:], None], strict=True):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            kind = ast.unparse(node.annotation).replace("|", "or")
            default = _field_default(node.value)
            said = HOST_FIELDS.get(node.target.id, "")
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                said = " ".join(str(after.value.value).split())
            lines.append(f"| `{node.target.id}` | `{kind}` | {default} | {said} |")
        return "\n".join(lines)

    return render


def _field_default(value: ast.expr | None) -> str:
    match value:
        case None:
            return "required"
        case ast.Call(keywords=[ast.keyword(arg="default", value=inner), *_]):
            return f"`{ast.unparse(inner)}`"
    return f"`{ast.unparse(value)}`"


def invariants(_: Path) -> str:
    """Return a table of every invariant of the proof."""
    from paperless_ivr.proof.invariants import INVARIANTS

    lines = ["| Invariant | What must hold for each move |", "|---|---|"]
    lines.append("| every call ends | No call returns to an earlier position. |")
    for name, invariant in INVARIANTS.items():
        lines.append(f"| {name} | {(invariant.__doc__ or '').partition(chr(10))[0]} |")
    return "\n".join(lines)


# --- the reference service: its error codes ---


def error_codes(_root: Path) -> str:
    """Return a table of every error code, with its message."""
    from paperless_ivr.cloudivr.codes import Code

    rows = [f"| {code.value} | `{code.name}` | {code.message} |" for code in Code]
    return "\n".join(["| ErrorCode | In the code | Message |", "|---|---|---|", *rows])


# --- the site's reference ---


def metrics(_: Path) -> str:
    """Return a table of every Prometheus metric, with its help text."""
    from paperless_ivr.web.meters import Meters

    rows = []
    for family in Meters().registry.collect():
        name = f"`{family.name}_total`" if family.type == "counter" else f"`{family.name}`"
        if family.type == "histogram":
            name = f"`{family.name}_count` (and `_sum`, `_bucket`)"
        rows.append(f"| {name} | {family.documentation} |")
    return "\n".join(["| Metric | What it measures |", "|---|---|", *rows])


def effort(_: Path) -> str:
    """Return a table of the cost of each path to a registration under the demo policy."""
    from paperless_ivr.backends.demo import demo_policy
    from paperless_ivr.cli.effort import HEADS, measured, row

    policy = demo_policy()
    lines: list[str] = []
    for language in policy.languages.offered:
        lines += ["", f"In `{language}`:", "", f"| {' | '.join(HEADS)} |"]
        lines += [f"|{'---|' * 3}{'--:|' * 5}"]
        done = (way for way in measured(policy, language) if way.registered)
        lines += [f"| {' | '.join(row(way))} |" for way in done]
    return "\n".join(lines)


def effort_picture(_: Path) -> str:
    """Return a picture of the costs from the `effort` table, in the policy's default language."""
    from tempfile import TemporaryDirectory

    from paperless_ivr.backends.demo import demo_policy
    from paperless_ivr.cli.effort import measured
    from paperless_ivr.cli.effort_picture import draw

    policy = demo_policy()
    language = policy.languages.default
    with TemporaryDirectory() as folder:
        file = Path(folder) / "effort.svg"
        draw(measured(policy, language), language, file)
        return file.read_text(encoding="utf-8")


_FACE = re.compile(r"^# (.+)$|\bas (\w+)", re.MULTILINE)


def python_api(root: Path) -> str:
    """Return the names that `import paperless_ivr` provides, grouped as in its stub."""
    import paperless_ivr

    stub = (root / "src/paperless_ivr/__init__.pyi").read_text(encoding="utf-8")
    lines = [API_BEGINS]
    for group, name in _FACE.findall(stub):
        if group:
            lines += ["", f"## {group[0].upper()}{group[1:]}"]
            continue
        kind = "class" if isinstance(getattr(paperless_ivr, name), type) else "function"
        lines += ["", "```{eval-rst}", f".. auto{kind}:: paperless_ivr.{name}"]
        lines += ["   :members:"] if kind == "class" else []
        lines += ["```"]
    return "\n".join(lines)


API_BEGINS = """# The Python API

`import paperless_ivr` provides these names; each is loaded when it is first used.
Import everything else from its module."""

# --- the report: a sample day ---

_AGE = re.compile(r"\d+ d \d+ h")
"""The age of unfinished work, which depends on the current time."""


def sample_day(root: Path) -> str:
    """Return the command that reports on the sample day, with its output, as a console block."""
    from click.testing import CliRunner

    from paperless_ivr.cli import main as command_line

    options = "--zone America/Chicago --by moment"
    with TemporaryDirectory() as folder:
        file = f"{folder}/day.db"
        subprocess.run(
            [sys.executable, "examples/day_of_calls.py", file, "100"],
            cwd=root,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        report = ["report", "--database", f"sqlite:///{file}", *options.split()]
        printed = CliRunner().invoke(command_line, report, catch_exceptions=False).output
    command = f"paperless-ivr report --database sqlite:///build/docs/day.db {options}"
    return f"```console\n$ {command}\n{_AGE.sub('...', printed).strip()}\n```"


PAGES: tuple[Page, ...] = (
    Page("docs/cloudivr.md", error_codes, region="codes"),
    Page("docs/reference/api.md", python_api),
    Page("docs/effort.md", effort, region="effort"),
    Page("docs/effort.svg", effort_picture),
    Page("docs/operate.md", metrics, region="metrics"),
    Page("docs/flow.md", flow_by_phase, region="phases"),
    Page("docs/host-contract.md", host_fields("Arrival"), region="arrival"),
    Page("docs/host-contract.md", host_fields("Payment"), region="payment"),
    Page("docs/host-contract.md", host_fields("Handback"), region="handback"),
    Page("docs/host-contract.md", host_fields("BillOutcome"), region="outcome"),
    Page("docs/proof.md", invariants, region="invariants"),
    Page("docs/report.md", sample_day, region="day"),
    Page("docs/traceability.md", traceability),
    Page("docs/policy.md", policy_questions, region="questions"),
    Page("docs/policy.md", policy_settings, region="settings"),
    *map(picture, PICTURES),
)


def main(
    argv: Sequence[str] | None = None, pages: Iterable[Page] = PAGES, root: Path = ROOT
) -> int:
    """Write the pages that are out of date, and return an exit status."""
    parser = argparse.ArgumentParser(description="Write the generated docs.")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with status 1 if a page is out of date",
    )
    check = parser.parse_args(argv).check
    try:
        old = list(stale(pages, root))
        for page in old:
            if not check:
                write(page, root)
            print(f"{page}: {'out of date' if check else 'written'}")
    except DocsError as error:
        print(error, file=sys.stderr)
        return 1
    if check and old:
        print(f"To update: {MEND}")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
