"""A carrier's detail file, read as carriers and spreadsheets write it."""

from __future__ import annotations

import pytest

from inbox_store.errors import Refused
from inbox_store.times import iso
from sms_billing.detail import (
    DetailFormat,
    DetailLine,
    Unreadable,
    bare_number,
    decoded,
    read_detail,
    read_time,
)

HEAD = "消息编号,手机号码,接入号,接收时间,计费条数,状态\n"
ROW = "85301,13800000000,10690001,2018-04-07 10:00:01,1,DELIVRD\n"


def read(text: str, form: DetailFormat | None = None) -> list[DetailLine | Unreadable]:
    """The lines of a file written as UTF-8."""
    return list(read_detail(decoded(text.encode().splitlines(keepends=True)), form or DetailFormat()))


def test_a_plain_file() -> None:
    """Each line with its place, its figures and its state."""
    assert read(HEAD + ROW) == [
        DetailLine(2, "85301", "13800000000", "10690001", "2018-04-07 10:00:01", 1, "delivered")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(encoding: str) -> None:
    """UTF-8 with and without its mark and GB18030 read alike, also where only a late line is Chinese."""
    text = (HEAD + ROW + ROW.replace("DELIVRD", "失败")).encode(encoding)
    told = list(read_detail(decoded(text.splitlines(keepends=True)), DetailFormat()))
    assert [line.status for line in told if isinstance(line, DetailLine)] == ["delivered", "failed"]
    ascii_head = "id,to,src,at,n,stat\n1,13800000000,1069,20180407100001,1,联通拒绝\n2,13,1,2,1,成功\n"
    form = DetailFormat(
        message_id="id", number="to", source="src", accepted_at="at", segments="n", status="stat"
    )
    late = list(read_detail(decoded(ascii_head.encode(encoding).splitlines(keepends=True)), form))
    assert [line.status for line in late if isinstance(line, DetailLine)] == ["failed", "delivered"]


def test_bytes_that_are_no_text() -> None:
    """A broken line is still a line; what is in its other cells counts."""
    told = list(decoded([b"\xff\xff,1\n", b"\xff,2\n"]))
    assert [line[-2:] for line in told] == ["1\n", "2\n"]


def test_other_columns() -> None:
    """A carrier's own names, order and separator; without a column of segments each line is one."""
    form = DetailFormat(
        message_id="MsgId",
        number="Dest",
        source="SrcTermId",
        accepted_at="Time",
        segments=None,
        status="Stat",
        delimiter="|",
        statuses={"OK": "delivered"},
    )
    told = read("Stat|Time|x|Dest|SrcTermId|MsgId\nok|20180407100001||13800000000|1069|AB\n", form)
    assert told == [DetailLine(2, "AB", "13800000000", "1069", "20180407100001", 1, "delivered")]


def test_titles_above_and_blank_lines() -> None:
    """Titles before the headings and empty rows are no lines."""
    told = read("某市政务短信详单\n\n" + HEAD + "\n,,,,,\n" + ROW)
    assert [line.line_no for line in told if isinstance(line, DetailLine)] == [6]


def test_missing_headings_are_named() -> None:
    """A file of another form is refused with what it lacks."""
    with pytest.raises(Refused, match="detail_columns") as told:
        read("标题\n" + HEAD.replace("计费条数", "条数") + ROW)
    assert told.value.params["missing"] == ["计费条数"]
    with pytest.raises(Refused, match="detail_columns"):
        read("")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("85301,138\n", "columns"),
        (ROW.replace(",1,", ",一,"), "segments"),
        (ROW.replace(",1,", ",-1,"), "segments"),
        (ROW.replace(",1,", ",1000,"), "segments"),
        (ROW.replace("85301", "  "), "id_missing"),
        (ROW.replace("85301", "8.53E+17"), "id_rounded"),
        ('"85301' + "\n" * 20 + '",138,1,2018,1,0\n', "csv"),
        ("85301," + "9" * 200_000 + "\n", "csv"),
    ],
)
def test_unreadable_lines_are_told(line: str, reason: str) -> None:
    """What cannot be read is a line with its reason, and the next one is read again."""
    told = read(HEAD + line + ROW)
    assert isinstance(told[0], Unreadable)
    assert told[0].reason == reason
    assert isinstance(told[-1], DetailLine)
    assert len(told) == 2


@pytest.mark.parametrize("written", ["85301", " 85301 ", "'85301", '"=""85301"""', "\t85301"])
def test_ids_as_spreadsheets_keep_them(written: str) -> None:
    """What keeps an id a text in a spreadsheet is no part of it."""
    told = read(HEAD + ROW.replace("85301", written))[0]
    assert isinstance(told, DetailLine)
    assert told.message_id == "85301"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-04-07 10:00:01", "2018-04-07T10:00:01.000+08:00"),
        ("2018/4/7 9:05", "2018-04-07T09:05:00.000+08:00"),
        ("20180407100001", "2018-04-07T10:00:01.000+08:00"),
        ("2018-04-07T10:00:01.250", "2018-04-07T10:00:01.000+08:00"),
        ("'2018-04-07", "2018-04-07T00:00:00.000+08:00"),
        ("2018-02-30 10:00:00", None),
        ("昨天", None),
        ("", None),
    ],
)
def test_times(text: str, moment: str | None) -> None:
    """The usual ways to write a time in Beijing; what is none is None."""
    at = read_time(text)
    assert (None if at is None else iso(at)) == moment


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13800000000", "13800000000"),
        ("8613800000000", "13800000000"),
        ("+86 138-0000-0000", "13800000000"),
        ("008613800000000", "13800000000"),
        ("9913800000000", "9913800000000"),
    ],
)
def test_numbers(text: str, number: str) -> None:
    """Numbers lose the country's prefix and nothing else."""
    assert bare_number(text) == number
