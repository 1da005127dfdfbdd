"""From one message to the segments that a channel submits: signature, cut, coding, header. Pure.

What is cut and counted is what ``push.sms.text`` says; here it becomes bytes (sms-text §1, §3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from push.sms import text
from push.sms.carrier import Coding, Segment
from push.sms.sender import Message

_CODINGS: Final[dict[text.Strategy, Coding]] = {"mainland": "ucs2", "gsm": "gsm"}
_REFERENCES: Final[dict[text.HeaderSize, int]] = {6: 1 << 8, 7: 1 << 16}


def compose(message: Message, rules: text.Rules = text.MAINLAND) -> list[Segment]:
    """The segments ``message.numbers`` of its text, in that order; one alone has no header.

    Where the gateway adds the signature itself, the text's own one is not sent but counted. The header carries as much
    of the reference as it has room for. Raises Refused as ``text.split`` does, ValueError for a number that the text
    has no segment of on this channel: it was counted by other rules.
    """
    counted = _split(message.text, rules)
    total = len(counted.segments)
    segments = []
    for number in message.numbers:
        if not 1 <= number <= total:
            raise ValueError(f"segment {number} of a text of {total}")
        content = text.encode(counted.segments[number - 1], counted.strategy)
        if total > 1:
            reference = message.reference % _REFERENCES[rules.header_size]
            place = text.Part(reference=reference, total=total, number=number)
            content = text.header(place, rules.header_size) + content
        segments.append(_segment(message, content, _CODINGS[counted.strategy], total, number))
    return segments


def sends(message_text: str, rules: text.Rules = text.MAINLAND) -> int:
    """How many segments (条) the whole text, its signature included, costs on a channel. Raises Refused as ``compose``."""
    return len(_split(message_text, rules).segments)


@lru_cache(256)
def _split(message_text: str, rules: text.Rules) -> text.Counted:
    """Kept for the texts of the day: one goes to thousands, and cutting costs more than all the rest."""
    mark = rules.added_signature
    return text.split(text.normalise(message_text).removeprefix(mark), rules)


def _segment(message: Message, content: bytes, coding: Coding, total: int, number: int) -> Segment:
    return Segment(
        to=message.to,
        source=message.source,
        content=content,
        coding=coding,
        header=total > 1,
        total=total,
        number=number,
        priority=message.priority,
        valid_until=message.valid_until,
    )
