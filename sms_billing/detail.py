"""A carrier's detail file (详单) as lines: CSV in UTF-8 or GB18030, its columns named per carrier.

    消息编号,手机号码,接入号,接收时间,计费条数,状态
    8530104071000123,13800000000,10690000001,2018-04-07 10:00:01,1,DELIVRD

Titles before the headings and blank lines are passed over. What cannot be read is a line of its own, never dropped: it may be
one the carrier charges.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, Literal, NamedTuple

import msgspec

from inbox_store.errors import Refused
from inbox_store.times import parse_iso

CarrierStatus = Literal["delivered", "failed", "unknown", "refused"]
"""``unknown``: accepted, without a final report; ``refused``: never accepted, so never charged."""
Encoding = Literal["utf-8", "gb18030"]

STATUSES: Final[dict[str, CarrierStatus]] = {
    "DELIVRD": "delivered",
    "0": "delivered",
    "成功": "delivered",
    "送达": "delivered",
    "EXPIRED": "failed",
    "UNDELIV": "failed",
    "UNDELIVERED": "failed",
    "DELETED": "failed",
    "失败": "failed",
    "ACCEPTD": "unknown",
    "ACCEPTED": "unknown",
    "ENROUTE": "unknown",
    "UNKNOWN": "unknown",
    "未知": "unknown",
    "": "unknown",
    "REJECTD": "refused",
    "REJECTED": "refused",
    "拒绝": "refused",
}
"""Words of the four protocols' reports and of offices' exports; any other word is a failure code of the network."""

HEADING_ROWS_MAX: Final = 20
"""Rows above the headings that may be titles."""
RECORD_LINES_MAX: Final = 10
"""Lines of the file in one record, for texts with line ends in them; a longer one is a quotation mark left open."""

_TIME: Final = re.compile(
    r"(\d{4})[-/]?(\d{1,2})[-/]?(\d{1,2})(?:[ T]*(\d{1,2}):?(\d{2})(?::?(\d{2}))?(?:\.\d+)?)?"
)
_ROUNDED: Final = re.compile(r"[\d.]+[eE]\+\d+")


class DetailFormat(msgspec.Struct, frozen=True, kw_only=True):
    """What one carrier calls its columns and states. ``segments`` None: each line is one segment.

    ``repeats`` says what a message id standing there again is: a ``duplicate``, or one more ``segment`` of the message.
    ``ids`` says how ids compare: as ``text``, or as numbers in ``hex`` (letter case and leading zeros do not count).
    """

    message_id: str = "消息编号"
    number: str = "手机号码"
    source: str = "接入号"
    accepted_at: str = "接收时间"
    segments: str | None = "计费条数"
    status: str = "状态"
    delimiter: str = ","
    statuses: Mapping[str, CarrierStatus] = msgspec.field(default_factory=lambda: STATUSES)
    repeats: Literal["duplicate", "segment"] = "duplicate"
    ids: Literal["text", "hex"] = "text"


class DetailLine(NamedTuple):
    """One line as the carrier tells it; ``accepted`` is its time as written, read by ``read_time`` where it matters."""

    line_no: int
    message_id: str
    number: str
    source: str
    accepted: str
    segments: int
    status: CarrierStatus


class Unreadable(NamedTuple):
    """A line that is none, with the reason."""

    line_no: int
    reason: Literal["columns", "segments", "id_missing", "id_rounded", "csv"]


def decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines as text: UTF-8 until one is not, GB18030 from there on; ASCII is both. Never fails: � stands for the rest.

    Neither encoding uses the bytes of a line's end inside a character, so that lines may be cut before they are read.
    """
    encoding: Encoding = "utf-8"
    for number, line in enumerate(lines):
        told = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        try:
            yield told.decode(encoding)
        except UnicodeDecodeError:
            encoding = "gb18030"
            yield told.decode(encoding, "replace")


def read_detail(lines: Iterable[str], form: DetailFormat) -> Iterator[DetailLine | Unreadable]:
    """The lines of a detail file, in their order, one at a time.

    Raises Refused("detail_columns") with the names that are missing where the headings do not stand in the first rows.
    """
    reader = csv.reader(lines, delimiter=form.delimiter)
    columns = _columns(reader, form)
    statuses = form.statuses
    before = reader.line_num
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = None
        line_no = reader.line_num
        if row is None or line_no - before > RECORD_LINES_MAX:
            yield Unreadable(line_no, "csv")
        elif len(row) > columns.last:
            yield _line(line_no, row, columns, statuses)
        elif any(cell.strip() for cell in row):
            yield Unreadable(line_no, "columns")
        before = line_no


def _line(
    line_no: int, row: list[str], columns: _Columns, statuses: Mapping[str, CarrierStatus]
) -> DetailLine | Unreadable:
    message_id = row[columns.message_id]
    if not message_id.isalnum():
        message_id = _bare(message_id)
    if not message_id:
        return Unreadable(line_no, "id_missing")
    if "+" in message_id and _ROUNDED.fullmatch(message_id):
        return Unreadable(line_no, "id_rounded")
    segments = 1
    if columns.segments is not None:
        told = row[columns.segments].strip()
        if not (told.isdecimal() and len(told) <= 3):
            return Unreadable(line_no, "segments")
        segments = int(told)
    status = row[columns.status]
    return DetailLine(
        line_no,
        message_id,
        row[columns.number],
        row[columns.source],
        row[columns.accepted_at],
        segments,
        statuses.get(status) or statuses.get(status.strip().upper(), "failed"),
    )


class _Columns(NamedTuple):
    """Where the columns stand; ``last`` is the place of the last one needed."""

    message_id: int
    number: int
    source: int
    accepted_at: int
    status: int
    segments: int | None
    last: int


def _columns(rows: Iterator[list[str]], form: DetailFormat) -> _Columns:
    """The first row with all the headings; rows above it may be titles."""
    wanted = [form.message_id, form.number, form.source, form.accepted_at, form.status]
    wanted += [form.segments] if form.segments else []
    missing = wanted
    for row in islice(rows, HEADING_ROWS_MAX):
        names = [cell.strip() for cell in row]
        here = [name for name in wanted if name not in names]
        if not here:
            return _Columns(
                message_id=names.index(form.message_id),
                number=names.index(form.number),
                source=names.index(form.source),
                accepted_at=names.index(form.accepted_at),
                status=names.index(form.status),
                segments=names.index(form.segments) if form.segments else None,
                last=max(map(names.index, wanted)),
            )
        missing = min(missing, here, key=len)
    raise Refused("detail_columns", missing=missing)


def _bare(cell: str) -> str:
    """A cell without what spreadsheets put around it to keep it a text: blanks, an apostrophe, quotation marks after =."""
    return cell.strip().removeprefix("=").strip("'\" \t")


def read_time(text: str) -> int | None:
    """The carrier's Beijing time as UTC microseconds: 2018-04-01 09:30:15, 2018/4/1 9:30, 20180401093015; None for none."""
    told = _TIME.fullmatch(_bare(text))
    if not told:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in told.groups())
    try:
        return parse_iso(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    except ValueError:
        return None


def bare_number(text: str) -> str:
    """A mainland number as 11 digits: without blanks, hyphens and 86, +86 or 0086 in front."""
    digits = "".join(letter for letter in text if "0" <= letter <= "9")
    return digits[-11:] if len(digits) > 11 and digits[:-11] in ("86", "0086") else digits
