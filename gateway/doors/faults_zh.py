"""Decoder messages as places and Chinese reasons. Pure.

The decoder speaks English and points with a path of its own (``$.units[2].id``); an answer carries a JSON pointer
(RFC 6901) and a sentence which the person at the other end can act on. A message that no line knows is passed on as
it is: an unfamiliar reason is better than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.doors.problems import Fault

NAME_LENGTH_MAX: Final = 80
"""Characters of an unknown field's name which are repeated."""

_AT = re.compile(r" - at `(key in )?(\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

_TYPES: Final = {
    "int": "整数",
    "str": "文字",
    "float": "数值",
    "bool": "true 或 false",
    "null": "null",
    "array": "数组",
    "object": "对象",
    "date": "日期",
    "datetime": "时刻",
}

_BOUNDS: Final[dict[str, str]] = {">=": "不小于", "<=": "不大于", "==": "等于", ">": "大于", "<": "小于"}

Say = Callable[[re.Match[str]], str]


def _type_names(told: str) -> str:
    return "或".join(_TYPES.get(part.strip(), part.strip()) for part in told.split("|"))


_SAYINGS: Final[tuple[tuple[re.Pattern[str], Say], ...]] = tuple(
    (re.compile(pattern), say)
    for pattern, say in (
        (r"Expected `([^`]+)`, got `([^`]+)`", lambda m: f"应为{_type_names(m[1])}，实为{_type_names(m[2])}"),
        (r"Invalid enum value (.*)", lambda m: f"不在允许的取值之内：{m[1][:NAME_LENGTH_MAX]}"),
        (r"Invalid value (.*)", lambda m: f"不在允许的取值之内：{m[1][:NAME_LENGTH_MAX]}"),
        (r"Expected `(\w+)` of length (>=|<=|==) (\d+)", lambda m: f"长度应{_BOUNDS[m[2]]} {m[3]}"),
        (r"Expected `(\w+)` (>=|<=|>|<) (\S+)", lambda m: f"应{_BOUNDS[m[2]]} {m[3]}"),
        (r"Expected `(\w+)` matching regex (.*)", lambda m: f"格式应符合 {m[2]}"),
        (
            r"Expected `datetime` with a timezone component",
            lambda _: "时刻须带时区偏移，如 2026-03-01T09:00:00+08:00",
        ),
        (r"Invalid RFC3339 encoded datetime", lambda _: "不是合法的时刻，应如 2026-03-01T09:00:00+08:00"),
        (r"Invalid RFC3339 encoded date", lambda _: "不是合法的日期，应如 2026-03-01"),
        (r"(?:Integer value|Number) out of range", lambda _: "数值超出范围"),
        (r"Invalid base64 encoded string", lambda _: "不是合法的 base64"),
    )
)


def fault_of(message: str) -> Fault:
    """The decoder's ``message`` as a pointer and a reason in Chinese."""
    at = _AT.search(message)
    text = message[: at.start()] if at else message
    pointer = pointer_of(at[2]) if at else ""
    if missing := re.fullmatch(r"Object missing required field `(.*)`", text):
        return Fault(pointer=pointer + escaped(missing[1]), reason="缺少必填字段")
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL):
        return Fault(pointer=pointer + escaped(unknown[1]), reason="没有这个字段，请核对字段名")
    return Fault(pointer=pointer, reason=reason_of(text))


def reason_of(text: str) -> str:
    """The message without its place, in Chinese."""
    for pattern, say in _SAYINGS:
        if found := pattern.fullmatch(text):
            return say(found)
    return text[:200]


def pointer_of(path: str) -> str:
    """``$.units[2].id`` as ``/units/2/id``; a key that the decoder does not name (``[...]``) ends the pointer."""
    pointer = ""
    for step in _STEP.finditer(path):
        if step[2] == "...":
            break
        pointer += escaped(step[1] or step[2])
    return pointer


def escaped(name: str) -> str:
    """One step of a JSON pointer (RFC 6901, section 3), cut to a length worth showing."""
    return "/" + name[:NAME_LENGTH_MAX].replace("~", "~0").replace("/", "~1")
