"""`songda doctor` says what it looked at, and fails when a record was changed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.demo.city import build_city, write_city_xlsx


def test_a_sound_store_passes_and_a_changed_row_is_named(tmp_path: Path) -> None:
    """All findings are good after an import; a changed audit row makes the verb fail and name the row."""
    book, data = tmp_path / "city.xlsx", tmp_path / "data"
    write_city_xlsx(build_city(units=40, persons=300), book)
    runner = CliRunner()
    assert runner.invoke(app, ["org", "import", str(book), "--data", str(data)]).exit_code == 0
    sound = runner.invoke(app, ["doctor", "--data", str(data), "--json"])
    findings = {one["what"]: one["good"] for one in json.loads(sound.stdout)}
    assert {"审计链": True, "统计与历史": True, "可收件人": True} == {
        what: good for what, good in findings.items() if what in {"审计链", "统计与历史", "可收件人"}
    }
    with closing(sqlite3.connect(data / "songda.db", isolation_level=None)) as conn:
        conn.execute("drop trigger audit_no_update")
        conn.execute("update audit set detail = '{}' where commit_no = 1 and no = 0")
    changed = runner.invoke(app, ["doctor", "--data", str(data)])
    assert changed.exit_code == 1
    assert "audit 1/0" in changed.stdout
