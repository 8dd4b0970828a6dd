"""`paperless-ivr report`: tables, files, and a picture."""

import csv
import io
import json
import re
import sys
from datetime import timedelta
from itertools import product
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve

from paperless_ivr.cli.report_forms import Report, table
from paperless_ivr.cli.report_picture import causes
from paperless_ivr.cli.report_words import DISPOSITIONS, lost_by
from paperless_ivr.flow.events import Accepted
from paperless_ivr.flow.host import Disposition, Reason
from paperless_ivr.records.funnel import NOT_ENDED, WAITING, Funnel, Loss, Spelled, Stage
from paperless_ivr.records.port import FINISHES, ActivityType, Task, Tracked
from paperless_ivr.records.sql import open_store
from paperless_ivr.testing.contracts.bench import ACCOUNT, ANI, START, Bench, Clock, preference

pytestmark = pytest.mark.requirement("R33")

OTHER = "elm-energy"


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A record of two billers and two days, with unfinished work."""
    for variable in ("PAPERLESS_IVR_KEYS", "PAPERLESS_IVR_KEY_FILE", "PAPERLESS_IVR_DATABASE"):
        monkeypatch.delenv(variable, raising=False)
    at, url = Clock(START.replace(hour=3)), f"sqlite:///{tmp_path}/record.db"
    with open_store(url, now=at, budget=30.0) as store:
        bench = Bench(store.record, at)
        bench.call(Disposition.DECLINED, "c1", accounts=(ACCOUNT,))
        bench.clock.go(hours=9)
        bench.call(Disposition.IGNORED, "c2")
        evolve(bench, biller=OTHER).call(Disposition.NOT_OFFERED, "o1", offered=False)
        for number in (3, 4):
            bench.note(ActivityType.ARRIVED, f"c{number}")
            bench.note(ActivityType.OFFERED, f"c{number}", language="en-US")
            write = preference(f"c{number}-1", f"T{number}")
            bench.intend(write)
            bench.record.settle(write.key, Accepted())
            bench.note(ActivityType.ENDED, f"c{number}", disposition="enrolled", reason="none")
        bench.clock.go(days=30)
        (opened, *_) = bench.claim(Task.FOLLOW)
        bench.record.finish(opened, "one", ActivityType.COMPLETED)
    return url


def reached(done):
    """Return the stages' numbers for each funnel in a JSON report."""
    return [list(funnel["reached"].values()) for funnel in json.loads(done.stdout)["funnels"]]


def test_table(run, url):
    """Each biller gets a table of how far hand-overs got, why they stopped, and unfinished work."""
    done = run("report", "--database", url)

    assert done.exit_code == 0, done.output
    elm, water = done.stdout.split("springfield-water\n")
    assert "handed over" in elm
    assert "not_offered" in elm
    lines = [" ".join(line.split()) for line in water.splitlines()]
    assert "4 4 2 2 2 2 1" in lines
    assert "offered declined 1 25.0%" in lines
    assert "registered enrolled none followed 1 50.0%" in lines
    assert any(line.startswith("follow followed 1 ") for line in lines)
    assert "follow completed 1" in lines


def test_csv_adds_up(run, url):
    """In every group, those that reached a stage either reached the next one or were lost."""
    done = run("report", "--database", url, "--format", "csv", "--by", "language,day,moment")

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    groups = {(r["biller"], r["moment"], r["language"], r["day"]) for r in rows}
    assert len(groups) == 3
    for group in groups:
        count = {(stage.label, what): 0 for stage in Stage for what in ("reached", "lost")}
        for row in rows:
            if (row["biller"], row["moment"], row["language"], row["day"]) == group:
                count[row["stage"], row["what"]] += int(row["hand_overs"])
        for stage, later in zip(Stage, [*Stage][1:], strict=False):
            here = count[stage.label, "reached"] - count[stage.label, "lost"]
            assert here == count[later.label, "reached"]


def test_json(run, url):
    """The file has everything: each group, each loss, and each task."""
    done = run("report", "--database", url, "--format", "json", "--by", "language")

    told = json.loads(done.stdout)
    assert [(f["biller"], f["language"]) for f in told["funnels"]] == [
        (OTHER, ""),
        ("springfield-water", ""),
        ("springfield-water", "en-US"),
    ]
    assert {
        "stage": "registered",
        "disposition": "enrolled",
        "reason": "none",
        "afterwards": "followed",
        "why": "",
        "hand_overs": 1,
    } in told["funnels"][2]["lost"]
    assert ("follow", "followed", True, 1) in {
        (t["task"], t["state"], t["open"], t["number"]) for t in told["tracker"]
    }


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--biller", OTHER), [1]),
        (("--biller", "nobody"), []),
        (("--since", "2026-11-22"), [1, 4]),
        (("--until", "2026-11-21"), []),
        (("--until", "2026-11-21", "--zone", "America/Chicago"), [1]),
        (("--since", "2026-11-22", "--zone", "America/Chicago"), [1, 3]),
        (("--zone", "America/Chicago", "--by", "day"), [1, 1, 3]),
        (("--since", "2026-11-23"), []),
    ],
)
def test_which(run, url, options, numbers):
    """Hand-overs are those of a biller, and of days in a time zone; later work counts."""
    done = run("report", "--database", url, "--format", "json", *options)

    assert [first for first, *_ in reached(done)] == numbers


def test_picture(run, url, tmp_path):
    """The picture has each number as text, and is always the same file; or it is a PNG."""
    drawn = []
    for name in ("a.svg", "b.svg", "c.png"):
        done = run("report", "--database", url, "--by", "day", "--picture", str(tmp_path / name))
        assert done.exit_code == 0, done.output
        drawn.append((tmp_path / name).read_bytes())

    texts = {"".join(node.itertext()).strip() for node in ET.fromstring(drawn[0]).iter()}
    assert {"springfield-water", "November 22, 2026", "4 · 100%", "2 · 50%", "1 · 25%"} <= texts
    told = min((text for text in texts if " calls on " in text), key=len)
    assert told.startswith(
        "5 calls on November 22, 2026: 4 were offered paperless billing, 2 agreed, "
        "and 1 had a paperless bill by "
    )
    assert {"calls that reached the step", "calls lost since the step above"} <= texts
    assert "said\N{NO-BREAK SPACE}no\N{NO-BREAK SPACE}(1)" in {
        text.replace(" ", "\N{NO-BREAK SPACE}").split(",")[0] for text in texts
    }
    assert drawn[0] == drawn[1]
    assert drawn[2].startswith(b"\x89PNG")


def test_a_picture_names_the_biller(run, url, tmp_path):
    """With a policy, the picture has the name that callers hear, not the ID in the record."""
    policy, picture = tmp_path / "policy.toml", tmp_path / "a.svg"
    policy.write_text('[biller]\nid = "springfield-water"\nname = "Springfield Water"\n')

    done = run("report", "--database", url, "--policy", str(policy), "--picture", str(picture))

    assert done.exit_code == 0, done.output
    assert "Springfield Water" in picture.read_text()
    assert "springfield-water" not in picture.read_text()
    assert OTHER in picture.read_text()


def test_causes_that_do_not_fit(run, url):
    """The most frequent causes are named, in two lines; for the others, there is a number."""
    funnel = Funnel(
        dict.fromkeys(Stage, 0),
        {Loss(Stage.OFFERED, "enrolled", why.value): n for n, why in enumerate(Reason, 1)},
        {},
        {},
        Spelled(),
    )

    told = causes(funnel, Stage.OFFERED)

    assert len(told.splitlines()) == 2
    named = [int(n.replace(",", "")) for n in re.findall(r"\(([\d,]+)\)", told)]
    assert sum(named) == sum(range(1, len(Reason) + 1))
    assert "rarer causes" in told


@pytest.mark.requirement("R24")
def test_nothing_personal(run, url, tmp_path):
    """No form of a report contains an ANI or an account number."""
    picture = tmp_path / "a.svg"
    shown = [
        run("report", "--database", url, "--format", f).stdout for f in ("table", "csv", "json")
    ]
    run("report", "--database", url, "--picture", str(picture))

    for text in (*shown, picture.read_text()):
        assert ANI.reveal() not in text
        assert ACCOUNT.reveal() not in text


def test_without_keys(run, url, tmp_path):
    """The report needs no keys, creates none, and changes nothing."""
    (tmp_path / "record.db.keys").unlink()
    before = (tmp_path / "record.db").read_bytes()

    done = run("report", "--database", url)

    assert done.exit_code == 0
    assert not (tmp_path / "record.db.keys").exists()
    assert before == (tmp_path / "record.db").read_bytes()


def test_nothing_on_record(run, tmp_path):
    """An empty record is reported as such."""
    empty = f"sqlite:///{tmp_path}/empty.db"
    run("record", "upgrade", "--database", empty)
    picture = tmp_path / "a.svg"

    done = run("report", "--database", empty, "--picture", str(picture))

    assert (done.exit_code, done.stdout) == (0, "nothing is on record\n")
    assert picture.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--zone", "Chicago"), "unknown time zone 'Chicago'"),
        (("--zone", "../etc"), "unknown time zone"),
        (("--by", "hour"), "unknown name 'hour'; choose from moment, language, day"),
        (("--since", "yesterday"), "'yesterday' does not match"),
        (("--picture", "funnel.gif"), "must end in .svg or .png"),
    ],
)
def test_wrong_options(run, url, options, told):
    """Invalid options are reported."""
    done = run("report", "--database", url, *options)

    assert done.exit_code == 2
    assert told in done.stderr


def test_no_such_file(run, tmp_path):
    """A file that does not exist is reported, and not created."""
    done = run("report", "--database", f"sqlite:///{tmp_path}/nothing.db")

    assert done.exit_code == 2
    assert "there is no such file" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("missing", "options"), [("tabulate", ()), ("matplotlib", ("--picture", "funnel.svg"))]
)
def test_without_the_extra(run, url, monkeypatch, missing, options):
    """If a package is missing, the error says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "paperless_ivr.cli.report_picture", raising=False)

    done = run("report", "--database", url, *options)

    assert done.exit_code == 2
    assert "pip install" in done.stderr


def test_ages():
    """The age of the oldest item is shown in days and hours."""
    left = Tracked(Task.FOLLOW, None, 1, START)
    shown = io.StringIO()

    table(Report({}, {"b": (left,)}, (), None, START + timedelta(hours=34)), shown)

    assert "1 d 10 h" in shown.getvalue()


def test_losses_have_words():
    """However a call ended, and whatever happened later, there are plain words for it."""
    assert set(DISPOSITIONS) == set(Disposition), "add words in cli/report_words.py"
    ends = [disposition.value for disposition in Disposition] + [NOT_ENDED]
    for disposition, reason in product(ends, Reason):
        assert lost_by(Loss(Stage.OFFERED, disposition, reason.value))
    for afterwards in (*WAITING.values(), *(how.value for how in FINISHES)):
        assert lost_by(Loss(Stage.CONFIRMED, "enrolled", "none", afterwards))
