"""The AGI protocol, compared with what real Asterisks sent."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr.gateways.agi.lines import (
    HangUpNotice,
    Headers,
    Message,
    Nonsense,
    Reader,
    Reply,
    command,
    quoted,
)
from tests.gateways.agi.recorded import ALL, Recording, of

pytestmark = pytest.mark.requirement("R41")
each_recording = pytest.mark.parametrize("recording", ALL, ids=str)


def messages(data: bytes, *cuts: int) -> list[Message]:
    """Return what a reader makes of bytes that come in pieces."""
    reader, found = Reader(), []
    places = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(places):
        found += reader.feed(data[start:end])
    return found


def replies(recording: Recording) -> list[Reply]:
    """Return the replies in a recording, in order."""
    return [message for message in messages(recording.sent) if isinstance(message, Reply)]


def answered(recording: Recording, text: str) -> list[Reply]:
    """Return the replies to one command, for each time that it was sent."""
    pairs = zip(recording.commands, replies(recording), strict=False)
    return [reply for sent, reply in pairs if sent == text]


@each_recording
def test_every_command_has_one_reply(recording: Recording) -> None:
    """There are headers, one reply per command, and nothing else but hang-up notices."""
    found = messages(recording.sent)
    if not found:
        assert recording.path.stem == "39-nobody-listens"
        return
    first, *rest = found
    assert isinstance(first, Headers)
    assert first.values["agi_network"] == "yes"
    assert {type(message) for message in rest} <= {Reply, HangUpNotice}
    unanswered = {"25": 1, "26": 1, "24": 0, "21": 1, "22": 1}
    number = recording.path.stem.partition("-")[0]
    split = len(recording.commands) - len(replies(recording))
    extra = 2 if str(recording).startswith("asterisk-16") and number == "10" else 0
    assert -extra <= split <= unanswered.get(number, 0)


@each_recording
def test_pieces_do_not_matter(recording: Recording) -> None:
    """However the bytes are split, they mean the same."""
    whole, data = messages(recording.sent), recording.sent
    rng = random.Random(str(recording))
    cuts = [sorted(rng.randrange(len(data) + 1) for _ in range(9)) for _ in range(20)]
    for places in [*cuts, range(len(data))]:
        assert messages(data, *places) == whole


@pytest.mark.parametrize("recording", of("05"), ids=str)
def test_get_data_tells_its_endings_apart(recording: Recording) -> None:
    """Only the word (timeout) distinguishes silence from the end key; -1 is not only a hang-up."""
    found = [(reply.result, reply.value) for reply in replies(recording)]
    assert found[:4] == [("12345", None), ("12345", None), ("", None), ("123", None)]
    assert found[5:7] == [("", "timeout"), ("12", "timeout")]
    assert answered(recording, "GET DATA nosuchfile 2000 2")[0].number == -1


@pytest.mark.parametrize("recording", of("06"), ids=str)
def test_stream_file_tells_the_key_by_its_code(recording: Recording) -> None:
    """48 to 57 are digits, 35 is #, 42 is *, and 0 is no key. A missing file is -1 at 0."""
    assert [reply.number for reply in replies(recording)][:6] == [0, 50, 0, 35, 42, 0]
    assert answered(recording, 'STREAM FILE nosuchfile "1"') == [Reply(200, "-1", None, 0)]
    assert answered(recording, "STREAM FILE vm-goodbye") == [Reply(520)]
    assert replies(recording)[1].endpos == 3200


@pytest.mark.parametrize("recording", of("08"), ids=str)
def test_the_key_0_is_48(recording: Recording) -> None:
    """WAIT FOR DIGIT returns 48 for the key 0, and 0 for no key."""
    assert [reply.number for reply in replies(recording)][:5] == [55, 48, 35, 42, 0]


@pytest.mark.parametrize("number", ["06", "08", "09", "10"])
def test_usage_is_one_reply(number: str) -> None:
    """A usage text of several lines, in two reads, is one reply."""
    for recording in of(number):
        assert Reply(520) in replies(recording)


@pytest.mark.parametrize("recording", of("33"), ids=str)
def test_trying_is_no_reply(recording: Recording) -> None:
    """GOSUB answers twice. The first answer is ignored."""
    assert [reply.code for reply in replies(recording)] == [200, 200, 200, 200]


@pytest.mark.parametrize("recording", of("01"), ids=str)
def test_values_are_cut_at_the_last_bracket(recording: Recording) -> None:
    """Line breaks and brackets in a value are kept. Unset is not the same as empty."""
    (broken,) = answered(recording, "GET VARIABLE NLVAR")
    (brackets,) = answered(recording, "GET VARIABLE PARENVAR")
    (unset,) = answered(recording, "GET VARIABLE NOSUCHVAR")
    (empty,) = answered(recording, "GET VARIABLE EMPTYONE")
    assert broken.value == "[modules]\nautoload=no"
    assert brackets.value == "a) (b) end"
    assert (unset.result, unset.value) == ("0", None)
    assert (empty.result, empty.value) == ("1", "")


@pytest.mark.parametrize("recording", of("01"), ids=str)
def test_quoting_is_what_asterisk_undoes(recording: Recording) -> None:
    """Asterisk removes exactly the quotes that we add."""
    said = 'say "hi" (twice) \\ back'
    assert f"SET VARIABLE QUOTED {quoted(said)}" in recording.commands
    assert answered(recording, "GET VARIABLE QUOTED")[0].value == said


@pytest.mark.parametrize("recording", of("04"), ids=str)
def test_names_stay_as_they_are(recording: Recording) -> None:
    """UTF-8 is sent raw, and quotes keep their backslash."""
    (head, *_) = messages(recording.sent)
    assert isinstance(head, Headers)
    assert head.values["agi_calleridname"] == 'Zoë \\"Z\\" O\'Neil (home)'


@pytest.mark.parametrize(
    "number", ["11", "12", "13", "14", "15", "16", "17", "18", "23", "37", "38"]
)
def test_the_hang_up_is_a_line_of_its_own(number: str) -> None:
    """HANGUP comes once: while idle, after -1, in one read with a reply, or before one."""
    for recording in of(number):
        assert messages(recording.sent).count(HangUpNotice()) == 1


@pytest.mark.parametrize("number", ["21", "22"])
def test_the_hang_up_may_come_twice(number: str) -> None:
    """With AGIEXITONHANGUP, there are two notices."""
    for recording in of(number):
        assert messages(recording.sent).count(HangUpNotice()) == 2


@pytest.mark.parametrize("number", ["19", "20"])
def test_the_hang_up_may_not_come_at_all(number: str) -> None:
    """With AGISIGHUP=no, only 511 shows a hang-up."""
    for recording in of(number):
        assert HangUpNotice() not in messages(recording.sent)
        assert replies(recording)[-1].code == 511


@pytest.mark.parametrize("recording", of("11"), ids=str)
def test_variables_can_be_set_after_the_hang_up(recording: Recording) -> None:
    """Commands that need the caller get 511. Those that do not still work."""
    assert answered(recording, "CHANNEL STATUS") == [Reply(511)]
    assert answered(recording, "SET VARIABLE PIVR_OUTCOME late") == [Reply(200, "1")]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n",
        b"agi_network yes\n",
        b"agi_x: 1\n\nwhat?\n",
        b"agi_x: 1\n\n600 result=0\n",
        b"agi_x: 1\n\n200\n",
        b"agi_x: " + b"x" * 70_000,
        b"agi_x: 1\n" * 9_000,
        b"agi_x: 1\n\n200 result=1 (" + b"x\n" * 9_000,
        b"agi_x: 1\n\n520-usage\n" + b"x" * 17_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_nonsense_is_told(data: bytes) -> None:
    """Data that is not AGI, or never ends, is nonsense, and is not kept."""
    with pytest.raises(Nonsense):
        messages(data + b"\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_nonsense(data: bytes) -> None:
    """Whatever comes, nothing else is raised."""
    for start in (b"", b"agi_network: yes\n\n", b"agi_network: yes\n\n200 result=1 ("):
        try:
            messages(start + data)
        except Nonsense:
            continue


@given(st.text(max_size=100))
def test_an_argument_is_one_line(text: str) -> None:
    """Anything that is quoted can be sent: it ends neither the line nor the quotes."""
    line = command(f"SET VARIABLE X {quoted(text)}")
    assert line.count(b"\n") == 1
    assert line.endswith(b'"\n')


@pytest.mark.parametrize("text", ["NOOP\nHANGUP", "NOOP\r", "X" * 2_048, "X\0"])
def test_no_command_is_two(text: str) -> None:
    """Text that Asterisk would read as two commands is not sent."""
    with pytest.raises(ValueError, match="not a single line"):
        command(text)
