"""The simulator over HTTP: calls, takes, faults, policies, and what is hidden."""

import json
import re
import time
from pathlib import Path

import pytest
import urllib3

from paperless_ivr import transcripts
from paperless_ivr.simulator import server
from tests.simulator.conftest import Start, serving
from tests.simulator.tab import PATIENCE, Tab, without_chance

pytestmark = pytest.mark.requirement("R54")

POLICY = """\
[about]
version = "{version}"

[biller]
id = "springfield-water"
name = "{name}"
"""


def replays(tab: Tab, take: int, folder: Path) -> str:
    """Return the transcript of a take, which replays unchanged."""
    text = tab.pool.request("GET", tab.at(f"transcript/{take}")).data.decode()
    file = folder / f"take-{take}.call"
    file.write_text(text, encoding="utf-8")
    assert transcripts.differences(transcripts.read(file)) == ""
    return text


def test_a_call_from_its_offer_to_its_link(tab: Tab, tmp_path: Path) -> None:
    """The caller enrolls, opens the link of the e-mail, and the call is a transcript."""
    asked = tab.to_consent()
    assert asked["speech"]["keys"]["1"] == {"label": "agree", "shared": False, "consent": True}
    tab.press("1")
    asked = tab.asked("TEXT_CONSENT")
    assert [one["status"] for one in asked["messages"]] == ["not opened yet"]
    assert "goes to “May we send one text?”" in asked["why"]["sentence"]
    after = next(one for one in asked["why"]["columns"] if one["code"] == "AFTERWARDS")
    refused = [
        "caller has hung up",
        "the link was texted, can wait on the line",
        "AutoPay can be offered",
    ]
    assert (after["refused"], after["taken"]) == (refused, "a text can be offered")
    tab.press("2")
    ended = tab.ended()
    assert ended["ended"]["handback"] == {
        "disposition": "enrolled",
        "reason": "none",
        "registration": "pending",
    }
    page = tab.pool.request("GET", tab.at("messages/0"))
    assert b"Switch to paperless billing" in page.data
    done = tab.pool.request("POST", tab.at("messages/0"), body=b"")
    assert b"You are set up" in done.data
    tab.until(lambda view: view["call"]["messages"][0]["status"] == "opened, done")
    assert "ends       enrolled" in replays(tab, 1, tmp_path)


def shown(tab: Tab) -> list[str]:
    """Return hidden values that are shown anyway. Values on the caller's own bill do not count."""
    told = without_chance(
        json.dumps({name: part for name, part in tab.view.items() if name != "yours"})
    )
    return [text for text in ("1137", "rivera@example.com", "2175550101") if text in told]


def test_nothing_hidden_is_told(tab: Tab) -> None:
    """Keys, numbers, and addresses are masked until they are asked for, and again afterward."""
    tab.to_consent()
    tab.press("1")
    tab.asked("TEXT_CONSENT")
    assert not shown(tab)
    tab.act("reveal", on=True)
    tab.until(lambda view: view["revealed"])
    assert "1137" in tab.texts("keys")
    tab.act("reveal", on=False)
    tab.until(lambda view: not view["revealed"])
    assert not shown(tab)


def test_revealing_can_be_off() -> None:
    """If the simulator is not on loopback, hidden data cannot be revealed."""
    with serving(may_reveal=False) as url, Tab.opened(url) as tab:
        reply = tab.pool.request("POST", tab.at("reveal"), json={"on": True})
        assert (reply.status, tab.view["revealed"]) == (400, False)
        tab.to_consent()
        masks = [line["mask"] for line in tab.view["call"]["entries"]]
        assert (tab.view["may_reveal"], set(map(str, masks))) == (False, {"None"})


def test_the_whole_flow_with_this_call_lit(tab: Tab) -> None:
    """The page of the policy's flow highlights the rows taken so far, and opens at the call."""
    call = tab.to_consent()
    page = tab.pool.request("GET", tab.at("flow"))
    known = re.search(
        r'<script type="application/json" id="flow">(.*?)</script>', page.data.decode()
    )
    assert known
    lit = [row["state"] for row in json.loads(known[1])["call"]]
    assert lit[0] == "GREETING"
    assert {"OFFER", "IDENTITY_CHECK", "ADDRESS"} <= set(lit)
    assert f'id="{call["state"]["address"][1:]}"' in page.data.decode()


def test_what_was_done_is_seen_while_its_answer_is_missing(tab: Tab) -> None:
    """The e-mail arrives while the caller still waits for the answer."""
    tab.to_consent()
    tab.act("fault", service="done")
    tab.press("1")
    call = tab.until(lambda view: view["call"]["messages"])
    assert call["waiting"]["fault"]


def test_a_yes_too_early_is_none(tab: Tab) -> None:
    """Consent counts only after everything that must be heard was heard."""
    tab.to_consent()
    tab.press("1", heard=0)
    asked = tab.until(lambda view: len(view["call"]["stops"]) == 4)
    assert asked["state"]["code"] == "CONFIRMATION"
    assert asked["messages"] == []
    assert "listen to the whole message" in tab.texts("said")[-1]


@pytest.mark.parametrize("how", ["twice", "late"])
def test_a_key_that_comes_again_changes_nothing(tab: Tab, how: str) -> None:
    """A repeated key answers an earlier question, and stays visible."""
    tab.to_consent()
    tab.act("fault", key=how)
    tab.press("1")
    if how == "late":
        tab.until(lambda _: "1 is on its way. Press a key again." in tab.texts("note"))
        tab.press("1")
    asked = tab.asked("TEXT_CONSENT")
    again = "1 again" if how == "twice" else "1 late"
    assert tab.texts("note")[-1] == f"{again}: ignored, because it answers an earlier question."
    assert len(asked["messages"]) == 1
    assert tab.view["faults"]["key"] == "once"


def test_a_key_before_a_consent_question_is_thrown_away(tab: Tab) -> None:
    """At other questions, keys may be pressed ahead."""
    tab.call()
    tab.asked("OFFER")
    tab.press("111371")  # yes, four digits, and a yes to what was not asked yet
    asked = tab.asked("CONFIRMATION")
    assert asked["messages"] == []
    assert "A key pressed before this question does not count here." in tab.texts("note")


@pytest.mark.parametrize(
    ("fault", "disposition", "messages"),
    [("down", "deferred", 0), ("done", "enrolled", 1), ("not_done", "enrolled", 1)],
)
def test_a_fault_in_mid_call(
    start: Start, tmp_path: Path, fault: str, disposition: str, messages: int
) -> None:
    """The call ends as the flow says. Once the fault is off, the service is used again."""
    policy = tmp_path / "quick.toml"
    quick = "[budgets]\nwrite = 3\n[text]\nafter_enrolment = []\n"
    policy.write_text(POLICY.format(version="1", name="Springfield Water") + quick)
    with Tab.opened(start(policy)) as tab:
        tab.to_consent()
        tab.act("fault", service=fault)
        tab.press("1")
        tab.until(lambda view: any(one["fault"] for one in view["call"]["exchanges"]))
        if fault != "down":
            tab.act("fault", service="works")
        ended = tab.ended()
        assert tab.texts("fault")[0] == "Billing service: no answer"
        assert ended["ended"]["handback"]["disposition"] == disposition
        assert len(ended["messages"]) == messages
        replays(tab, 1, tmp_path)


def test_the_record_is_lost(tab: Tab) -> None:
    """A write that cannot be recorded is not done. The next call finds the record again."""
    tab.to_consent()
    tab.act("fault", record="lost")
    tab.press("1")
    ended = tab.ended()
    assert ended["messages"] == []
    assert ended["ended"]["handback"]["reason"] == "record_down"
    tab.call()
    tab.asked("OFFER")
    assert tab.view["faults"]["record"] == "works"


def test_hanging_up_and_silence(tab: Tab) -> None:
    """The question is repeated after a silence, and then the call continues. A hang-up ends it."""
    tab.call()
    tab.asked("OFFER")
    tab.press("")
    asked = tab.until(lambda view: len(view["call"]["stops"]) == 2)
    assert tab.texts("note") == ["You stay silent"]
    assert asked["state"]["code"] == "OFFER"
    tab.act("hang_up")
    assert tab.ended()["ended"]["title"] == "Hung up"


def test_a_transfer(tab: Tab) -> None:
    """0 reaches an agent if one is free."""
    tab.call(person=True)
    tab.asked("OFFER")
    tab.press("0")
    tab.asked("TRANSFERRING")
    tab.act("transfer", result="answered")
    assert tab.ended()["ended"]["title"] == "Transferred"
    tab.act("scenario", person=False)


def test_rewinding_across_a_message(tab: Tab, tmp_path: Path) -> None:
    """The message is gone from take 2, and still there in take 1. Both takes replay."""
    tab.to_consent()
    tab.press("1")
    tab.asked("TEXT_CONSENT")
    tab.press("2")
    tab.ended()
    first = tab.until(lambda view: view["call"]["entries"][-1]["kind"] == "said")
    tab.act("rewind", stop=2)
    asked = tab.asked("CONFIRMATION")
    assert [one["take"] for one in asked["messages"]] == [1]
    assert asked["speech"]["start"] == len(asked["speech"]["prompts"])
    assert "Take 2 starts here" in tab.texts("take")
    asked_at = [entry["stop"] for entry in first["entries"]].index(2)
    came_next = [{**entry, "stop": None} for entry in first["entries"][asked_at + 1 :]]
    assert asked["undone"] == {"take": 1, "entries": came_next}
    tab.press("2")
    assert tab.ended()["undone"] is None
    assert "ends       declined" in replays(tab, 2, tmp_path)
    assert "ends       enrolled" in replays(tab, 1, tmp_path)
    tab.act("take", number=1)
    back = tab.until(lambda view: view["call"]["take"] == 1)
    assert back["messages"] == first["messages"]
    assert back["ended"] == first["ended"]
    assert b"Switch" in tab.pool.request("GET", tab.at("messages/0")).data


def test_a_rewound_call_that_is_left_goes_on_later(tab: Tab) -> None:
    """A take that waits for its caller continues where it was left."""
    tab.to_consent()
    tab.act("rewind", stop=0)
    tab.asked("OFFER")
    tab.act("take", number=1)
    tab.asked("CONFIRMATION")
    assert [one["number"] for one in tab.view["call"]["takes"]] == [1]
    tab.press("1")
    assert len(tab.asked("TEXT_CONSENT")["messages"]) == 1


def test_an_edited_policy_counts_from_the_next_call(start: Start, tmp_path: Path) -> None:
    """An invalid policy is refused in the same way as by `check`; calls keep the previous one."""
    policy = tmp_path / "own.toml"
    policy.write_text(POLICY.format(version="1", name="Acme Water"))
    with Tab.opened(start(policy)) as tab:
        tab.call(moment="start")
        tab.until(lambda view: view["call"])
        policy.write_text(POLICY.format(version="2", name="Elm Water"))
        tab.until(lambda view: view["policy"]["edited"])
        policy.write_text(POLICY.format(version="3", name="Oak Water") + "[tries]\nwrong = -1\n")
        tab.until(lambda view: view["policy"]["problems"])
        assert "tries" in tab.view["policy"]["problems"][0]
        tab.call()
        tab.until(lambda view: view["call"] and not view["policy"]["edited"])
        assert tab.view["policy"]["version"] == "2"
        tab.until(lambda _: any("Elm Water" in text for text in tab.texts("said")))


def test_a_transcript_names_the_policy_of_its_call(start: Start, tmp_path: Path) -> None:
    """It replays under that policy, even if another one was chosen for the next call."""
    policies = [tmp_path / "acme.toml", tmp_path / "elm.toml"]
    for policy in policies:
        policy.write_text(POLICY.format(version="1", name=policy.stem))
    with Tab.opened(start(*policies)) as tab:
        tab.call(policy="acme.toml")
        tab.asked("OFFER")
        tab.act("hang_up")
        tab.ended()
        tab.act("scenario", policy="elm.toml")
        tab.until(lambda view: view["policy"]["name"] == "elm.toml")
        text = replays(tab, 1, tmp_path)
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("policy")] == [
        str(policies[0])
    ]


def test_pictures_leave_out_what_the_policy_switches_off(start: Start, tmp_path: Path) -> None:
    """A call's pictures are of the policy that it began with, drawn when that was read."""
    policy = tmp_path / "own.toml"
    plain = POLICY.format(version="1", name="Acme Water")
    policy.write_text(plain + '[address]\nstrategies = ["on_file"]\n')
    with Tab.opened(start(policy)) as tab:
        tab.call()
        asked = tab.asked("OFFER")
        assert tab.pool.request("GET", tab.at("pictures/EMAIL")).status == 404
        bill = tab.pool.request("GET", tab.at("pictures/ADDRESS")).data
        assert b'data-state="ADDRESS"' in bill
        assert b"spelled by keypad" not in tab.pool.request("GET", tab.at("pictures/END")).data
        off = {one["code"]: one["off"] for one in asked["flow"]["chapters"]}
        assert "EMAIL" not in off
        assert off["ADDRESS"] > 0
        policy.write_text(plain.replace('"1"', '"2"'))
        tab.until(lambda view: view["policy"]["edited"])
        assert tab.pool.request("GET", tab.at("pictures/EMAIL")).status == 404
        tab.call()
        tab.until(lambda view: not view["policy"]["edited"])
        tab.asked("OFFER")
        assert tab.pool.request("GET", tab.at("pictures/EMAIL")).status == 200


def test_one_thing_is_shown_alone(tab: Tab) -> None:
    """Keys, an address, or a request's fields can be revealed alone. Rewinding hides them again."""
    tab.to_consent()
    keyed = next(
        one for one in tab.view["call"]["entries"] if one["kind"] == "keys" and one["mask"]
    )
    assert keyed["mask"] == {"what": keyed["mask"]["what"], "shown": False}
    tab.act("reveal", on=True, what=keyed["mask"]["what"])
    tab.until(lambda _: "1137" in tab.texts("keys"))
    assert not tab.view["revealed"]
    assert not [
        one for one in tab.view["call"]["exchanges"] if one["mask"] and one["mask"]["shown"]
    ]
    tab.act("rewind", stop=2)
    tab.until(lambda view: view["call"]["take"] == 2)
    assert "1137" not in tab.texts("keys")


def test_a_hang_up_during_a_write(start: Start, tmp_path: Path) -> None:
    """The write is still settled, and nothing more is said."""
    policy = tmp_path / "quick.toml"
    policy.write_text(POLICY.format(version="1", name="Springfield Water"))
    with Tab.opened(start(policy)) as tab:
        tab.to_consent()
        tab.act("fault", service="slow")
        tab.press("1")
        tab.until(lambda view: view["call"]["waiting"])
        tab.act("hang_up")
        ended = tab.ended()
        assert ended["ended"]["handback"]["registration"] == "pending"
        assert ended["exchanges"][-1]["what"] == "outcome"
        assert len(ended["messages"]) == 1
        replays(tab, 1, tmp_path)


def test_a_tab_that_is_left_is_closed(simulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tab's service is also closed, once no one has listened for a while."""
    monkeypatch.setattr(server, "LEFT_S", 0.1)
    with Tab.opened(simulator) as left:
        left.call()
    pool = urllib3.PoolManager()
    until = time.monotonic() + PATIENCE
    while pool.request("POST", left.at("call"), json={}).status != 404:
        assert time.monotonic() < until


def test_strangers_are_turned_away(simulator: str, tab: Tab) -> None:
    """Requests with another host's name, another site's form, or an unknown tab get nothing."""
    pool = urllib3.PoolManager()
    other = pool.request("GET", simulator, headers={"Host": "example.com"})
    assert other.status == 400
    form = pool.request("POST", tab.at("call"), body=b"{}", headers={"Content-Type": "text/plain"})
    assert form.status == 415
    assert pool.request("GET", f"{simulator}tabs/unknown/events").status == 404
    wrong = pool.request("POST", tab.at("scenario"), json={"moment": "never"})
    assert wrong.status == 400
