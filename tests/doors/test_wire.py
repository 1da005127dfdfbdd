"""JSON in and out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doors.faults_zh import fault_of
from gateway.doors.problems import Fault, faults_of
from gateway.doors.wire import INT_MAX, Body, canonical, decode_body, decode_query, encode, instant, shown
from inbox_store.errors import Refused
from tests.doors.asking import refusal_of
from tests.doors.sample import NewNote, NoteQuery


class Loose(Body, frozen=True, kw_only=True):
    """A body with a field of any shape."""

    extra: Any = None


def refusal(raw: bytes, kind: type[Body] = NewNote) -> Fault:
    """The one fault of a refused body."""
    with pytest.raises(Refused) as caught:
        decode_body(raw, kind)
    assert caught.value.code == "body_invalid"
    (fault,) = faults_of(caught.value.params)
    return fault


@pytest.mark.parametrize(
    ("raw", "pointer", "reason"),
    [
        (b"", "", "缺少请求内容"),
        (b"{}", "/title", "缺少必填字段"),
        (b'{"title":1}', "/title", "应为文字，实为整数"),
        (b'{"title":""}', "/title", "长度应不小于 1"),
        (b'{"title":"x","titel":"y"}', "/titel", "没有这个字段"),
        (b'{"title":"x","a/b~c":1}', "/a~1b~0c", "没有这个字段"),
        (b'{"title":"x","targets":[{"unit_id":1},{"unit_id":"2"}]}', "/targets/1/unit_id", "应为整数"),
        (b'{"title":"x","targets":[{"unit_id":1,"x":1}]}', "/targets/0/x", "没有这个字段"),
        (b'{"title":"x","targets":[{"unit_id":1,"role":"all"}]}', "/targets/0/role", "不在允许的取值之内"),
        (b'{"title":"x","targets":[{"unit_id":0}]}', "/targets/0/unit_id", "应不小于 1"),
        (b'{"title":"x","due":"2026-01-01T08:00:00"}', "/due", "须带时区偏移"),
        (b'{"title":"x","due":"soon"}', "/due", "不是合法的时刻"),
        (b'{"title":"x","extra":{"a":"b"}}', "/extra", "应为整数"),
        (b'{"title":"x","extra":{"a":9007199254740992}}', "/extra/a", "整数超出范围"),
        (b'{"title":"x","extra":{"a":' + b"9" * 400 + b"}}", "/extra/a", "超出范围"),
        (b'{"title":"a\\u0000b"}', "/title", "空字符"),
        (b'{"title":"\\ud800"}', "", "不是合法的 JSON"),
        (b'{"title":"\xff"}', "", "不是合法的 JSON"),
        (b'\xef\xbb\xbf{"title":"x"}', "", "不是合法的 JSON"),
        (b'{"title":"x"} {}', "", "不是合法的 JSON"),
        (b"[" * 100_000, "", "应为对象"),
        (b'{"title":NaN}', "", "不是合法的 JSON"),
    ],
)
def test_junk_is_refused_with_its_place(raw: bytes, pointer: str, reason: str) -> None:
    """Each fault names the place as a JSON pointer and the reason in Chinese."""
    fault = refusal(raw)
    assert fault.pointer == pointer
    assert reason in fault.reason


@pytest.mark.parametrize("depth", [40, 900, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    """A field of any shape takes no towers."""
    raw = b'{"extra":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    assert "嵌套过深" in refusal(raw, Loose).reason


def test_nul_in_a_name_is_refused() -> None:
    """NUL is found in names of any shape too."""
    assert "空字符" in refusal(b'{"extra":{"a\\u0000":1}}', Loose).reason


def test_ordinary_body_is_decoded() -> None:
    """What a type promises arrives as that type."""
    note = decode_body('{"title":"值班","due":"2026-01-01T08:00:00+08:00"}'.encode(), NewNote)
    assert note.title == "值班"
    assert note.due == datetime(2026, 1, 1, tzinfo=UTC)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_body_or_a_refusal(raw: bytes) -> None:
    """No bytes whatever raise anything but a refusal."""
    assert refusal_of(lambda: decode_body(raw, NewNote)) in (None, "body_invalid")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_body_or_a_refusal(value: object) -> None:
    """JSON of any shape is decoded whole or refused."""
    raw = msgspec.json.encode({"title": "x", "extra": value})
    refused = refusal_of(lambda: decode_body(raw, NewNote))
    assert refused in (None, "body_invalid")
    if refused is None:
        assert decode_body(raw, NewNote).extra == value


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4), st.randoms(use_true_random=False))
def test_canonical_form_forgets_order_and_blanks(value: dict[str, object], random: Random) -> None:
    """The same JSON spelt in another way has the same form, so a retry finds its key."""
    items = list(value.items())
    random.shuffle(items)
    raw = msgspec.json.encode(value)
    other = msgspec.json.format(msgspec.json.encode(dict(items)), indent=4)
    assert canonical(raw) == canonical(other)


def test_query_is_decoded_from_texts() -> None:
    """Numbers, days and repeated names arrive as their types."""
    query = decode_query(
        [("limit", "5"), ("since", "2026-03-01"), ("unit", "3"), ("unit", "4"), ("text", "会议")], NoteQuery
    )
    assert query == NoteQuery(limit=5, since=date(2026, 3, 1), unit=(3, 4), text="会议")


@pytest.mark.parametrize(
    ("pairs", "pointer", "reason"),
    [
        ([("limit", "5"), ("limit", "6")], "/limit", "参数重复"),
        ([("limit", "x")], "/limit", "应为整数"),
        ([("limit", "0")], "/limit", "应不小于 1"),
        ([("limit", "101")], "/limit", "应不大于 100"),
        ([("limit", "9" * 5_000)], "/limit", "超出范围"),
        ([("since", "1.3.2026")], "/since", "不是合法的日期"),
        ([("page", "2")], "/page", "没有这个字段"),
        ([("text", "a\0b")], "/text", "空字符"),
        ([("unit", "1"), ("unit", "x")], "/unit/1", "应为整数"),
        ([("unit", "9007199254740993")], "/unit/0", ""),
    ],
)
def test_query_faults_name_the_parameter(pairs: list[tuple[str, str]], pointer: str, reason: str) -> None:
    """Each fault of a query names its parameter."""
    with pytest.raises(Refused) as caught:
        decode_query(pairs, NoteQuery)
    assert caught.value.code == "query_invalid"
    (fault,) = faults_of(caught.value.params)
    assert fault.pointer == pointer
    assert reason in fault.reason


@given(
    st.lists(st.tuples(st.sampled_from(["limit", "since", "text", "unit", "cursor"]), st.text(max_size=12)))
)
def test_any_query_is_taken_or_refused(pairs: list[tuple[str, str]]) -> None:
    """No query raises anything but a refusal."""
    assert refusal_of(lambda: decode_query(pairs, NoteQuery)) in (None, "query_invalid")


@given(st.integers(0, 4_102_444_800_000_000))
def test_times_go_out_in_shanghai_and_come_back_exactly(at: int) -> None:
    """An instant survives the way out and in to the microsecond, with the offset +08:00."""
    text = encode(shown(at)).decode().strip('"')
    assert text.endswith("+08:00")
    assert instant(msgspec.convert(text, datetime)) == at


@given(st.text(max_size=120))
def test_any_decoder_message_has_a_place_and_a_reason(message: str) -> None:
    """A message no line knows is passed on, cut."""
    fault = fault_of(message)
    assert len(fault.reason) <= 300
