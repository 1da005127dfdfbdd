"""`songda rates`, `songda audit` and `songda meeting`: the same figures from the server and from the folder."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Town

SLIP = ["--kind", "slip", "--to-unit", "E01", "--to-unit", "W01", "--yes"]


@pytest.fixture
def sent(town: Town, text: str) -> Town:
    """The town with at least one document on its way."""
    town.done("send", "--title", "统计用", "--body-file", text, *SLIP, who="sclerk")
    return town


def test_rates_are_the_same_from_both_sides(sent: Town) -> None:
    """The server's answer to a city supervisor and the folder's own reading agree, as JSON and as a table."""
    from_server = json.loads(sent.done("rates", "--by", "county", "--json", who="supervisor"))
    from_folder = json.loads(sent.done("rates", "--by", "county", "--json", "--data", str(sent.data)))
    assert from_server == from_folder
    assert {row["name"] for row in from_server["rows"]} >= {"东川县", "西岭县"}
    table = sent.done("rates", "--by", "total", who="supervisor")
    assert "合计" in table
    assert "签收率" in table


def test_odd_periods_and_ways_are_said(town: Town) -> None:
    """An impossible day ends with 1, an unknown way is wrong usage, a reversed period is the server's refusal."""
    assert town.songda("rates", "--from", "2026-02-30", who="supervisor").exit_code == 1
    assert town.songda("rates", "--by", "planet", who="supervisor").exit_code == 2
    told = town.songda("rates", "--from", "2026-03-02", "--to", "2026-03-01", who="supervisor")
    assert (told.exit_code, "period_reversed" in told.stderr) == (1, True)


def test_recount_agrees_and_finds_a_tampered_tally(sent: Town, tmp_path: Path) -> None:
    """Both sides agree with the history; in a copy with a changed tally the folder's recount names it and ends with 1."""
    assert json.loads(sent.done("rates", "recount", "--json", who="supervisor"))["agreed"]
    copy = copied(sent, tmp_path)
    with closing(sqlite3.connect(copy / "songda.db")) as conn:
        conn.execute("update tally set n = n + 1")
        conn.commit()
    told = sent.songda("rates", "recount", "--data", str(copy))
    assert (told.exit_code, "处不符" in told.stderr) == (1, True)


def copied(town: Town, folder: Path) -> Path:
    """A copy of the data folder, whole."""
    copy = folder / "copy"
    shutil.copytree(town.data, copy)
    return copy


def test_the_audit_names_a_changed_row(town: Town, tmp_path: Path) -> None:
    """The running store verifies; in a copy the changed row is named and the exit code is 1."""
    assert "审计记录完好" in town.done("audit", "verify", "--data", str(town.data))
    copy = copied(town, tmp_path)
    with closing(sqlite3.connect(copy / "songda.db")) as conn:
        conn.execute("drop trigger audit_no_update")
        conn.execute("update audit set detail = '{}' where commit_no = 1 and no = 0")
        conn.commit()
    told = town.songda("audit", "verify", "--data", str(copy))
    assert told.exit_code == 1
    assert "audit 1/0: 行被改动" in told.stderr


def test_a_head_kept_elsewhere_shows_a_cut_tail(town: Town, tmp_path: Path) -> None:
    """Against an exported head the whole chain passes; with its tail cut it verifies alone and fails against the head."""
    head = tmp_path / "head.json"
    town.done("audit", "export-head", str(head), "--data", str(town.data))
    assert town.done("audit", "verify", "--data", str(town.data), "--head", str(head))
    number = json.loads(head.read_text("utf-8"))["commit_no"]
    copy = copied(town, tmp_path)
    with closing(sqlite3.connect(copy / "songda.db")) as conn:
        for table in ("audit", "commit_log", "sign_receipt"):
            conn.execute(f"drop trigger if exists {table}_no_delete")
            conn.execute(f"delete from {table} where commit_no >= ?", (number,))  # noqa: S608 - names above
        conn.commit()
    told = town.songda("audit", "verify", "--data", str(copy), "--head", str(head))
    assert (told.exit_code, "截断" in told.stderr) == (1, True)


def test_a_forged_head_is_refused(town: Town, tmp_path: Path) -> None:
    """A head whose number was changed is no head of this installation."""
    head = tmp_path / "head.json"
    town.done("audit", "export-head", str(head), "--data", str(town.data))
    told = json.loads(head.read_text("utf-8"))
    head.write_text(json.dumps(told | {"commit_no": 1}), "utf-8")
    refused = town.songda("audit", "verify", "--data", str(town.data), "--head", str(head))
    assert (refused.exit_code, "签名无效" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "words", [("audit", "verify"), ("audit", "export-head", "head.json"), ("rates",), ("rates", "recount")]
)
def test_looking_makes_no_empty_store(town: Town, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A folder without a store is said to be none, and nothing is made there."""
    folder = tmp_path / "nothing"
    told = town.songda(*words, "--data", str(folder))
    assert (told.exit_code, "不是数据目录" in told.stderr) == (1, True)
    assert not folder.exists()


@pytest.fixture
def meeting(town: Town, tmp_path: Path) -> int:
    """A meeting notice to two units, one of which has answered."""
    file = tmp_path / "notice.json"
    notice = {
        "kind": "meeting_notice",
        "title": "防汛工作会议",
        "scope": {"unit_codes": ["E01", "W01"]},
        "meeting": {
            "place": "市政府三楼",
            "starts_at": "2198-06-02T09:00:00+08:00",
            "reply_due_at": "2198-06-01T18:00:00+08:00",
        },
    }
    file.write_text(json.dumps(notice), "utf-8")
    told = json.loads(town.done("send", str(file), "--yes", "--json", who="sclerk").splitlines()[-1])
    document, unit = int(told["document_id"]), town.unit("E01")
    for _ in range(200):  # the fan-out runs beside the answer
        copies = town.api("GET", f"/units/{unit}/copies?limit=100", "eclerk")["items"]
        if document in [copy["document_id"] for copy in copies]:
            break
    names = [{"name": "=张敏", "mode": "attend", "post": "局长", "phone": "13811112222"}]
    path = f"/meetings/{document}/units/{unit}/receipt"
    town.api("PUT", path, "eclerk", {"attendees": names}, key="meeting-answer")
    return document


def test_a_roster_on_the_screen_and_as_files(town: Town, meeting: int, tmp_path: Path) -> None:
    """Names and the missing unit are shown; the CSV defuses what looks like a formula; files are not overwritten."""
    told = town.done("meeting", "roster", str(meeting), who="sclerk")
    assert "=张敏" in told
    assert "未报：西岭县教育局" in told
    assert "应报 2 个单位，已报 1" in told
    csv, xlsx = tmp_path / "roster.csv", tmp_path / "roster.xlsx"
    words = ["meeting", "roster", str(meeting), "--csv", str(csv), "--xlsx", str(xlsx)]
    town.done(*words, who="sclerk")
    assert "'=张敏" in csv.read_text("utf-8-sig")
    assert xlsx.read_bytes().startswith(b"PK")
    assert town.songda(*words, who="sclerk").exit_code == 1
    assert town.songda("meeting", "roster", str(meeting), who="eclerk").exit_code == 1


def test_without_a_token_it_says_how_to_get_one(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No token, one that is none, and an address that is none: each ends with 1 and what to do."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    missing = town.songda("rates")
    assert (missing.exit_code, "songda account token" in missing.stderr) == (1, True)
    file = tmp_path / "token"
    file.write_text("eyJ.no.token", "ascii")
    wrong = town.songda("rates", "--token-file", str(file))
    assert (wrong.exit_code, "令牌无效" in wrong.stderr) == (1, True)
    odd = town.songda("rates", "--server", "ftp://x", who="supervisor")
    assert (odd.exit_code, "服务器地址不对" in odd.stderr) == (1, True)
