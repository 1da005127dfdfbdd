"""The one assembly place: settings become the parts they name, and wrong ones stop the start."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from config.settings import Deadlines, Dispatch, Settings, Store
from gateway.assembly import calendar_of, folder_rules_of, open_parts
from gateway.rules.folders import DEFAULT_RULES
from inbox_store.errors import StoreBroken

RULES = """
[[rules]]
folder = "supervision"
kinds = ["slip"]
valid_from = 2026-01-01
reason = "本市便函一律归督查督办"
"""


def test_the_offices_own_folder_rules_come_first(tmp_path: Path) -> None:
    """A dated row of the office's file stands before the built-in ones."""
    file = tmp_path / "folders.toml"
    file.write_text(RULES, encoding="utf-8")
    first, *rest = folder_rules_of(Settings(dispatch=Dispatch(folder_rules_file=str(file))))
    assert (first.folder, first.kinds, first.valid_from) == (
        "supervision",
        frozenset({"slip"}),
        date(2026, 1, 1),
    )
    assert tuple(rest) == DEFAULT_RULES
    assert folder_rules_of(Settings()) == DEFAULT_RULES


def test_a_wrong_folder_rule_is_named(tmp_path: Path) -> None:
    """A folder that does not exist stops the start and is told."""
    file = tmp_path / "folders.toml"
    file.write_text(RULES.replace("supervision", "attic"), encoding="utf-8")
    with pytest.raises(ValueError, match="folder rules"):
        folder_rules_of(Settings(dispatch=Dispatch(folder_rules_file=str(file))))


def test_the_offices_own_working_days_replace_the_built_in(tmp_path: Path) -> None:
    """A table for a year beyond the known ones makes its dates certain."""
    file = tmp_path / "days.toml"
    text = '[years.2027]\nsource = "国办发明电〔2026〕1号"\ndays_off = ["2027-01-01/2027-01-03"]\nmakeup_work = []\n'
    file.write_text(text, encoding="utf-8")
    calendar = calendar_of(Settings(deadlines=Deadlines(workdays_file=str(file))))
    assert not calendar.is_work_day(date(2027, 1, 1))
    assert not calendar.is_provisional(date(2027, 1, 4))
    assert calendar_of(Settings()).is_provisional(date(2027, 1, 4))


async def test_a_damaged_store_stops_the_start(tmp_path: Path) -> None:
    """What is no database is refused and left as it is."""
    (tmp_path / "songda.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreBroken):
        async with open_parts(Settings(store=Store(path=str(tmp_path)))):
            pass
