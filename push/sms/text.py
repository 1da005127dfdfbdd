"""The text of a short message: normalising, counting 条 (segments), cutting, headers and the signature.

Lengths are *units*: UTF-16 code units, so that a character outside the basic plane counts 2. What is counted is what
is sent: previews, quotas and charges all ask this module. Carriers' rules: at most 70 units in one message, else 67 in
each segment behind the 6-byte header; a character is never cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from inbox_store.errors import Refused
from push.sms import gsm

Strategy = Literal["mainland", "gsm"]
"""How a channel counts: ``mainland`` always in UCS-2; ``gsm`` in septets where the GSM 03.38 table has every character."""

HeaderSize = Literal[6, 7]
"""Bytes of the concatenation header: 6 with an 8-bit reference, 7 with a 16-bit one (only where a channel asks)."""

SEGMENTS_MAX: Final = 10
"""Above this a text is refused, never cut silently."""

SIGNATURE_NAME_MIN: Final = 2
SIGNATURE_NAME_MAX: Final = 12
"""Characters of a registered signature name; platforms allow 2-8 up to 2-12."""

_SIGNATURE_NAME: Final = re.compile(r"[0-9A-Za-z㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")
_BREAKS: Final = re.compile(r"\r\n?|[\u2028\u2029]")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel counts and cuts, from its settings.

    ``added_signature`` is the 【…】 that the gateway itself puts in front: it is not sent, but counted and cut as if it
    were there. ``header_size`` 7 leaves 66 units in a segment, another count than most carriers'.
    """

    strategy: Strategy = "mainland"
    added_signature: str = ""
    header_size: HeaderSize = 6
    segments_max: int = SEGMENTS_MAX


MAINLAND: Final = Rules()


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A text as it will be sent: ``segments`` to submit in order, ``units`` in all, the signature included."""

    segments: tuple[str, ...]
    units: int
    strategy: Strategy
    """The counting that applied: ``mainland`` also where a text does not fit the GSM table."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A segment's place in a long message, as its header tells it; numbers run from 1."""

    reference: int
    total: int
    number: int


def normalise(text: str) -> str:
    """The text as it is measured and sent: NFC, LF for every line break, blanks for tabs, nothing invisible.

    Full-width forms stay. Raises Refused("sms_text_invalid") at an unpaired surrogate, which no coding can carry.
    """
    for position, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise Refused("sms_text_invalid", position=position, reason="unpaired surrogate")
    broken = _BREAKS.sub("\n", text).replace("\t", " ")
    seen = (c for c in broken if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf"))
    return unicodedata.normalize("NFC", "".join(seen))


def units(text: str) -> int:
    """UTF-16 code units of ``text``."""
    return sum(map(_width, text))


def count(text: str, rules: Rules = MAINLAND) -> int:
    """How many segments (条) the text costs on a channel with these rules. Raises Refused as ``split`` does."""
    return len(split(text, rules).segments)


def split(text: str, rules: Rules = MAINLAND) -> Counted:
    """Cut a normalised text into the segments to be sent.

    Raises Refused("sms_too_long") above ``segments_max``, Refused("sms_text_invalid") where normalising finds a
    character that cannot be sent.
    """
    clean = normalise(text)
    septets = rules.strategy == "gsm" and gsm.encodable(rules.added_signature + clean)
    width, single, room = (gsm.width, 160, 153) if septets else (_width, 70, 67)
    if rules.header_size == 7:
        room -= 1
    head = sum(map(width, rules.added_signature))
    total = head + sum(map(width, clean))
    widths = [width(character) for character in clean]
    segments = (clean,) if total <= single else tuple(_cut(clean, widths, room, head))
    if len(segments) > rules.segments_max:
        raise Refused("sms_too_long", units=total, segments=len(segments), segments_max=rules.segments_max)
    return Counted(segments=segments, units=total, strategy="gsm" if septets else "mainland")


def _width(character: str) -> int:
    return 2 if character > "\uffff" else 1


def _cut(text: str, widths: list[int], room: int, head: int) -> Iterator[str]:
    """Pieces of at most ``room``, the first with ``head`` less; an atom (surrogate or escape pair) stays whole."""
    start, used = 0, head
    for position, width in enumerate(widths):
        if used + width > room:
            yield text[start:position]
            start, used = position, 0
        used += width
    yield text[start:]


def header(part: Part, size: HeaderSize = 6) -> bytes:
    """The concatenation header before a segment. Raises ValueError where a number does not fit its bytes."""
    if not 1 <= part.number <= part.total <= 255:
        raise ValueError(f"segment {part.number} of {part.total}: numbers run from 1 to at most 255")
    wide = size == 7
    if not 0 <= part.reference < (1 << 16 if wide else 1 << 8):
        raise ValueError(f"reference {part.reference} does not fit the {size}-byte header")
    lead = bytes((6, 8, 4)) if wide else bytes((5, 0, 3))
    return lead + part.reference.to_bytes(2 if wide else 1, "big") + bytes((part.total, part.number))


def read_header(data: bytes) -> tuple[Part | None, bytes]:
    """The place told by the header in front of ``data``, and the text behind it; both header sizes are understood.

    Concatenation may be any element of the header; others (ports) are passed over. None where there is no element of
    concatenation, or its numbers cannot be. Raises ValueError where the header is longer than the data.
    """
    if not data or data[0] >= len(data):
        raise ValueError("user-data header is longer than the data")
    end = data[0] + 1
    part, position = None, 1
    while position + 2 <= end:
        element, size = data[position], data[position + 1]
        if position + 2 + size <= end:
            part = part or _part(element, data[position + 2 : position + 2 + size])
        position += 2 + size
    return part, data[end:]


def place(data: bytes) -> tuple[int, int]:
    """Total and number of a segment with a header; (1, 1) where the header tells no place or is broken."""
    try:
        part, _ = read_header(data)
    except ValueError:
        return 1, 1
    return (part.total, part.number) if part else (1, 1)


def _part(element: int, value: bytes) -> Part | None:
    if (element, len(value)) not in ((0, 3), (8, 4)):
        return None
    total, number = value[-2:]
    if not 1 <= number <= total:
        return None
    return Part(reference=int.from_bytes(value[:-2], "big"), total=total, number=number)


def encode(segment: str, strategy: Strategy = "mainland") -> bytes:
    """The bytes of one segment without header: UTF-16 big-endian, or one GSM 03.38 code per byte."""
    return gsm.encode(segment) if strategy == "gsm" else segment.encode("utf-16-be")


def signature(name: str) -> str:
    """``【name】``. Raises Refused("sms_signature_invalid") where the name could not have been registered."""
    if not (SIGNATURE_NAME_MIN <= len(name) <= SIGNATURE_NAME_MAX and _SIGNATURE_NAME.fullmatch(name)):
        raise Refused("sms_signature_invalid", name=name, min=SIGNATURE_NAME_MIN, max=SIGNATURE_NAME_MAX)
    return f"【{name}】"


def signed(text: str, name: str, *, at_end: bool = False) -> str:
    """The text with exactly one signature; other 【】 in it become 〔〕, because two confuse carriers.

    A text that already bears this signature at its start or end does not get a second one.
    """
    mark = signature(name)
    bare = text.removeprefix(mark).removesuffix(mark).translate(_OTHER_BRACKETS)
    return bare + mark if at_end else mark + bare


_OTHER_BRACKETS: Final = str.maketrans("【】", "〔〕")
