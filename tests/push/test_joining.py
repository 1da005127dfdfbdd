"""Long messages from phones: any order, repeated parts, parts that never come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.carrier import Coding, Reply
from push.sms.joining import MISSING, Joined, Joining, read_text
from push.sms.text import HeaderSize, Part, header

S = 1_000_000
DAY = 24 * 3600 * S


def part(
    number: int,
    total: int,
    content: bytes,
    *,
    coding: Coding = "ucs2",
    reference: int = 7,
    sender: str = "13800138000",
    size: HeaderSize = 6,
) -> Reply:
    """One part of a long reply."""
    front = header(Part(reference=reference, total=total, number=number), size)
    return Reply(sender=sender, source="1065733301", content=front + content, coding=coding, header=True)


def texts(found: list[Joined[int]]) -> list[str]:
    """What was given."""
    return [one.text for one in found]


def test_a_short_reply_is_whole() -> None:
    """Nothing waits for it."""
    joining: Joining[int] = Joining()
    reply = Reply(sender="1", source="2", content="参加".encode("utf-16-be"), coding="ucs2")
    assert joining.take(reply, 5, 0) == [
        Joined(sender="1", source="2", text="参加", complete=True, keys=(5,))
    ]
    assert len(joining) == 0


def test_a_header_that_tells_no_place_is_no_part() -> None:
    """Ports alone, a broken header, one of one: each is a message of its own."""
    joining: Joining[int] = Joining()
    ports = Reply(sender="1", source="2", content=b"\6\5\4\0\1\0\2ok", coding="ascii", header=True)
    broken = Reply(sender="1", source="2", content=b"\xffok", coding="ascii", header=True)
    assert texts(joining.take(ports, 1, 0)) == ["ok"]
    assert joining.take(broken, 2, 0)[0].complete
    assert texts(joining.take(part(1, 1, b"ok", coding="ascii"), 3, 0)) == ["ok"]


@given(st.text(min_size=1, max_size=200), st.randoms(), st.sampled_from([6, 7]))
def test_any_order_with_repeats_gives_the_text(text: str, chance: object, size: HeaderSize) -> None:
    """Cut anywhere, also through a character, shuffled and with parts twice: the text comes once, as it was."""
    data = text.encode("utf-16-be", "replace")
    pieces = [data[start : start + 17] for start in range(0, len(data), 17)]
    parts = [part(number, len(pieces), piece, size=size) for number, piece in enumerate(pieces, 1)]
    sent = list(enumerate(parts))
    sent += sent[: len(sent) // 2] if len(parts) > 1 else []
    chance.shuffle(sent)  # type: ignore[attr-defined]
    joining: Joining[int] = Joining()
    found = [one for key, reply in sent for one in joining.take(reply, key, 0)]
    assert texts(found)[:1] == [text.encode("utf-16-be", "replace").decode("utf-16-be", "replace")]
    assert found[0].complete
    # A part that is repeated after the message was given waits alone, and runs out.
    assert all(not one.complete for one in joining.expired(2 * DAY))


def test_messages_do_not_mix() -> None:
    """Sender, reference and total tell them apart."""
    joining: Joining[int] = Joining()
    for key, reply in enumerate(
        (
            part(1, 2, b"a", coding="ascii"),
            part(1, 2, b"b", coding="ascii", reference=8),
            part(1, 2, b"c", coding="ascii", sender="13900139000"),
            part(1, 3, b"d", coding="ascii"),
        )
    ):
        assert joining.take(reply, key, 0) == []
    assert len(joining) == 4
    assert texts(joining.take(part(2, 2, b"!", coding="ascii", reference=8), 9, 0)) == ["b!"]


def test_all_parts_are_settled_with_the_message() -> None:
    """Repeated ones too; of two with the same number the first is the text."""
    joining: Joining[str] = Joining()
    joining.take(part(2, 2, b"B", coding="ascii"), "b", 0)
    joining.take(part(2, 2, b"X", coding="ascii"), "b again", 0)
    (found,) = joining.take(part(1, 2, b"A", coding="ascii"), "a", 0)
    assert (found.text, found.keys) == ("AB", ("b", "b again", "a"))


def test_what_is_incomplete_after_a_day_is_given_as_it_is() -> None:
    """The gap is marked; the time runs from the first part."""
    joining: Joining[int] = Joining()
    joining.take(part(1, 3, b"A", coding="ascii"), 1, 0)
    joining.take(part(3, 3, b"C", coding="ascii"), 3, DAY - 1)
    assert joining.due() == DAY
    assert joining.expired(DAY - 1) == []
    (found,) = joining.expired(DAY)
    assert (found.text, found.complete, found.keys) == (f"A{MISSING}C", False, (1, 3))
    assert joining.due() is None


def test_an_old_message_does_not_take_a_new_ones_parts() -> None:
    """A reference that comes back after a day begins anew, and the old message is given by it."""
    joining: Joining[int] = Joining()
    joining.take(part(1, 2, b"old", coding="ascii"), 1, 0)
    assert texts(joining.take(part(2, 2, b"new", coding="ascii"), 2, DAY)) == [f"old{MISSING}"]
    assert texts(joining.take(part(1, 2, b"the ", coding="ascii"), 3, DAY + 1)) == ["the new"]


def test_strangers_cannot_fill_the_memory() -> None:
    """Above the limit the oldest is given as it is."""
    joining: Joining[int] = Joining(waiting_max=2)
    found = [
        one
        for reference in range(5)
        for one in joining.take(part(1, 2, b"x", coding="ascii", reference=reference), reference, 0)
    ]
    assert [one.keys for one in found] == [(0,), (1,), (2,)]
    assert len(joining) == 2


@pytest.mark.parametrize(
    ("content", "coding", "text"),
    [
        ("参加".encode("utf-16-be"), "ucs2", "参加"),
        ("参加".encode("gbk"), "gbk", "参加"),
        ("参加".encode("gbk"), "ascii", "参加"),
        (b"1", "ascii", "1"),
        (b"\x00\x1b\x65", "gsm", "@€"),
        (b"\x01\xff", "binary", "01ff"),
        (b"\xd8", "ucs2", "\ufffd"),
    ],
)
def test_reading_what_phones_send(content: bytes, coding: Coding, text: str) -> None:
    """sms-text §1; what cannot be read is marked, never an error."""
    assert read_text(content, coding) == text


def test_a_character_cut_between_two_gbk_parts() -> None:
    """Bytes are joined before they are read; a part in another coding is read by itself."""
    joining: Joining[int] = Joining()
    data = "参加会议".encode("gbk")
    joining.take(part(1, 3, data[:3], coding="gbk"), 1, 0)
    joining.take(part(2, 3, data[3:], coding="gbk"), 2, 0)
    assert texts(joining.take(part(3, 3, "好".encode("utf-16-be")), 3, 0)) == ["参加会议好"]
