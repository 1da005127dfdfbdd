"""From a message to the bytes of its segments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from push.sms import gsm
from push.sms.carrier import Segment
from push.sms.compose import compose, sends
from push.sms.sender import Message
from push.sms.text import MAINLAND, Part, Rules, count, normalise, read_header, signature

MARK = "【平凉市委办】"
ADDED = Rules(added_signature=MARK)
WIDE = Rules(header_size=7)
GSM = Rules(strategy="gsm")
MANY = 99

han = st.text(st.sampled_from("会议通知a1，😀𠮷\n"), max_size=400)
latin = st.text(st.sampled_from("abc 1@€[]"), max_size=400)


def message(text: str, *numbers: int, reference: int = 0x2A) -> Message:
    """A message to one phone."""
    return Message(
        to="13800138000",
        source="106573339001",
        text=text,
        numbers=numbers,
        reference=reference,
        priority=7,
        valid_until=12,
    )


def all_of(text: str, rules: Rules, reference: int = 0x2A) -> list[Segment]:
    """Every segment of the text on a channel."""
    return compose(message(text, *range(1, sends(text, rules) + 1), reference=reference), rules)


def read(segment: Segment) -> tuple[Part | None, str]:
    """What a phone makes of a segment."""
    part, content = read_header(segment.content) if segment.header else (None, segment.content)
    return part, gsm.decode(content) if segment.coding == "gsm" else content.decode("utf-16-be")


def test_the_vector_of_a_second_segment() -> None:
    """The fact sheet's bytes, with both headers (sms-text §8)."""
    text = MARK + "会" * 64
    (second,) = compose(message(text, 2))
    assert second.content.hex() == "0500032a02024f1a4f1a4f1a4f1a"
    assert (second.header, second.total, second.number, second.coding) == (True, 2, 2, "ucs2")
    (wide,) = compose(message("会" * 71, 2, reference=0x012A), WIDE)
    assert wide.content.hex() == "060804012a0202" + "4f1a" * 5


def test_a_short_text_is_its_bytes() -> None:
    """One segment, no header; number, access number, priority and validity go with it."""
    (only,) = compose(message(MARK + "会议通知", 1))
    assert only == Segment(
        to="13800138000",
        source="106573339001",
        content=bytes.fromhex("30105e7351c95e0259d4529e30114f1a8bae901a77e5"),
        coding="ucs2",
        priority=7,
        valid_until=12,
    )


@pytest.mark.parametrize(
    ("text", "rules", "sizes"),
    [
        (MARK + "会" * 63, MAINLAND, [140]),
        (MARK + "会" * 64, MAINLAND, [140, 14]),
        ("会" * 134, MAINLAND, [140, 140]),
        ("会" * 135, MAINLAND, [140, 140, 8]),
        ("会" * 201, MAINLAND, [140, 140, 140]),
        ("会" * 202, MAINLAND, [140, 140, 140, 8]),
        (MARK + "会" * 59 + "😀" + "会" * 10, MAINLAND, [138, 30]),
        ("😀" * 35, MAINLAND, [140]),
        ("😀" * 36, MAINLAND, [138, 18]),
        ("a" * 160, MAINLAND, [140, 140, 58]),
        ("a" * 160, GSM, [160]),
        ("a" * 161, GSM, [159, 14]),
        ("€" * 80, GSM, [160]),
        ("€" * 81, GSM, [158, 16]),
        ("会" * 134, WIDE, [139, 139, 11]),
        (MARK + "会" * 63, ADDED, [126]),
        (MARK + "会" * 64, ADDED, [126, 14]),
    ],
)
def test_sizes_of_the_vectors(text: str, rules: Rules, sizes: list[int]) -> None:
    """Every text of the table fills its segments to the byte."""
    assert [len(segment.content) for segment in all_of(text, rules)] == sizes
    assert sends(text, rules) == len(sizes)


@given(han, st.sampled_from([6, 7]), st.integers(0, 1 << 20))
def test_segments_joined_are_the_text(text: str, size: int, reference: int) -> None:
    """A phone that joins what it gets reads the text; each segment fits and says its place."""
    rules = Rules(header_size=7 if size == 7 else 6, segments_max=MANY)
    segments = all_of(text, rules, reference)
    assert "".join(read(segment)[1] for segment in segments) == normalise(text)
    assert all(len(segment.content) <= 140 for segment in segments)
    total = len(segments)
    expected = reference % (1 << 16 if size == 7 else 1 << 8)
    for number, segment in enumerate(segments, 1):
        part = Part(reference=expected, total=total, number=number) if total > 1 else None
        assert read(segment)[0] == part
        assert (segment.header, segment.total, segment.number) == (total > 1, total, number)


@given(latin | han)
def test_gsm_where_the_text_counted_so(text: str) -> None:
    """The coding is the one that the text was counted in, for every segment of it."""
    rules = Rules(strategy="gsm", segments_max=MANY)
    segments = all_of(text, rules)
    assert {segment.coding for segment in segments} == {"gsm" if gsm.encodable(normalise(text)) else "ucs2"}
    assert "".join(read(segment)[1] for segment in segments) == normalise(text)


@given(han, st.sampled_from(["平凉市委办", "网信办"]))
def test_a_signature_that_the_gateway_adds(text: str, name: str) -> None:
    """It is cut off once, at the very start, and the cut and the cost are those of the text that arrives."""
    mark = signature(name)
    added = Rules(added_signature=mark, segments_max=MANY)
    sent = [read(segment)[1] for segment in all_of(mark + text, added)]
    arrived = [mark + sent[0], *sent[1:]]
    written = Rules(segments_max=MANY)
    assert arrived == [read(segment)[1] for segment in all_of(mark + text, written)]
    assert sends(mark + text, added) == sends(mark + text, written) == count(text, added)


def test_only_exactly_the_signature_is_cut() -> None:
    """Another signature, one further on or a second one stays: it is what the sender wrote."""
    for text in ("【网信办】会议", "会议" + MARK, "会议"):
        (only,) = compose(message(text, 1), ADDED)
        assert read(only)[1] == text
    (only,) = compose(message(MARK + MARK + "会议", 1), ADDED)
    assert read(only)[1] == MARK + "会议"


@given(han, st.data())
def test_some_segments_again_are_the_same(text: str, data: st.DataObject) -> None:
    """What is sent again alone is byte for byte what it was among all, in the order asked for."""
    rules = Rules(segments_max=MANY)
    whole = all_of(text, rules)
    numbers = data.draw(st.lists(st.integers(1, len(whole)), unique=True))
    assert compose(message(text, *numbers), rules) == [whole[number - 1] for number in numbers]


def test_what_cannot_be_sent_is_refused() -> None:
    """Too long for the channel, a character no coding has, a segment there is not."""
    with pytest.raises(Refused) as told:
        compose(message("会" * 671, 1))
    assert told.value.code == "sms_too_long"
    with pytest.raises(Refused) as told:
        sends("会\ud800")
    assert told.value.code == "sms_text_invalid"
    for number in (0, 3):
        with pytest.raises(ValueError, match=f"segment {number} of a text of 2"):
            compose(message("会" * 71, number))
