"""Inputs that once broke something, each kept as it was found; a new one is one line more."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from typer import Exit

from config.faults import ConfigFault
from config.loading import load
from config.settings import Deadlines, Dispatch, Settings
from gateway.assembly import calendar_of, folder_rules_of, open_parts
from gateway.cli import api, audit, receipt, send
from gateway.doors.v1.trace import TraceQuery
from gateway.doors.wire import decode_query
from gateway.orgfile.envelope import archive_fault
from gateway.orgfile.limits import DEFAULT_LIMITS
from gateway.orgfile.read import read_file
from gateway.sheets import Column, Sheet, to_csv, to_xlsx
from inbox_store.errors import Refused
from realtime.positions import FilePositions
from tests.fuzz.budget import SHARES
from tests.orgfile.sheets import sound, workbook

NO_JSON: Final = {
    "no_utf8": b'{"a":"\xc0"}',
    "deep": b'{"a":' + b"[" * 100_000,
    "half": b'{"a":',
    "list": b"[]",
}


def test_the_shares_make_up_what_is_promised() -> None:
    """All doors together get 100,000 inputs in the long run, and some thousand in the short one."""
    assert sum(share.long for share in SHARES.values()) >= 100_000
    assert 2_000 <= sum(share.quick for share in SHARES.values()) <= 5_000


@pytest.mark.parametrize("pair", [("actor", "\udfff"), ("\udfff", "1"), ("cursor", "a\ud800")])
def test_a_query_that_is_no_unicode_is_refused(pair: tuple[str, str]) -> None:
    """A lone surrogate, made of a byte that is no UTF-8, is refused like any other fault of a query."""
    with pytest.raises(Refused, match="query_invalid"):
        decode_query([pair], TraceQuery)


@pytest.mark.parametrize("told", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize(
    "read",
    [
        lambda file: receipt._json_of(file, "回执文件"),
        audit._head_of,
        lambda file: send._content(str(file)),
    ],
    ids=["receipt", "head", "send"],
)
def test_verbs_say_that_a_file_is_no_json(
    read: Callable[[Path], object], told: bytes, tmp_path: Path
) -> None:
    """A verb that reads JSON ends with its own words, whatever the file holds."""
    file = tmp_path / "told.json"
    file.write_bytes(told)
    with pytest.raises(Exit):
        read(file)


@pytest.mark.parametrize("told", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_counts_as_nothing(told: bytes, tmp_path: Path) -> None:
    """A client passes over an answer that is none of our server's, and over a file of positions that is damaged."""
    file = tmp_path / "positions.json"
    file.write_bytes(told)
    assert api._told(told) == {}
    assert FilePositions(file, "key").load() is None


NO_TABLE: Final = {
    "deep": b"a = " + b"[" * 5_000,
    "deep_tables": b"a = " + b"{a=" * 5_000,
    "long_key": b"a" + b".a" * 20_000 + b" = 1",  # took the parser 4 s and 2 GiB
    "number": b"rules = 5",
    "no_utf8": b"\xff",
}


@pytest.mark.parametrize("told", NO_TABLE.values(), ids=NO_TABLE)
@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda file: load(file, {}), ConfigFault),
        (lambda file: calendar_of(Settings(deadlines=Deadlines(workdays_file=str(file)))), ValueError),
        (lambda file: folder_rules_of(Settings(dispatch=Dispatch(folder_rules_file=str(file)))), ValueError),
    ],
    ids=["settings", "workdays", "folder_rules"],
)
def test_a_table_that_cannot_be_read_is_refused(
    read: Callable[[Path], object], fault: type[Exception], told: bytes, tmp_path: Path
) -> None:
    """Settings, working days and folder rules are refused as documented, however the file is broken."""
    file = tmp_path / "table.toml"
    file.write_bytes(told)
    with pytest.raises(fault):
        read(file)


@pytest.mark.parametrize("key", ["deadlines.workdays_file", "dispatch.folder_rules_file"])
@pytest.mark.parametrize("told", [*NO_TABLE.values(), None], ids=[*NO_TABLE, "missing"])
async def test_a_server_says_which_table_it_cannot_start_with(
    key: str, told: bytes | None, tmp_path: Path
) -> None:
    """A start is refused with the name of the setting, not with a trace."""
    file = tmp_path / "table.toml"
    if told is not None:
        file.write_bytes(told)
    settings = load(None, {}, {"store.path": str(tmp_path / "data"), key: str(file)}).settings
    with pytest.raises(ConfigFault, match=key):
        async with open_parts(settings):
            pass


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The sound organisation as a workbook."""
    return workbook(tmp_path / "sound.xlsx", sound())


def test_a_directory_that_lies_about_its_place(book: Path) -> None:
    """Members before the beginning of the file are a broken archive; this is judged in the server's own process."""
    data = bytearray(book.read_bytes())
    end = data.rfind(b"PK\x05\x06") + 16
    struct.pack_into("<L", data, end, struct.unpack_from("<L", data, end)[0] + 167)
    found = archive_fault(io.BytesIO(data), len(data), DEFAULT_LIMITS)
    assert found is not None
    assert found.code == "zip_broken"


def test_a_part_whose_sum_is_wrong(book: Path) -> None:
    """A part that unpacks to something else than was packed is told as damage, not as the end of a process."""
    data = bytearray(book.read_bytes())
    entry = data.rfind(b"xl/worksheets/sheet4.xml") - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    data[entry + 16] ^= 0xFF
    book.write_bytes(data)
    told = read_file(book)
    assert [found.code for found in told.faults] == ["read_broken"]
    assert "BadZipFile" in told.faults[0].reason


@pytest.mark.parametrize("write", [lambda sheet: to_xlsx([sheet], 0), to_csv], ids=["xlsx", "csv"])
def test_titles_and_headings_that_are_no_unicode_can_be_exported(write: Callable[[Sheet], Any]) -> None:
    """A lone surrogate in a title, a heading or the name of a page is replaced, as it is in a cell."""
    assert write(
        Sheet(name="名\ud800", title="题\ud800", columns=(Column(title="列\ud800"),), rows=[("格\ud800",)])
    )
