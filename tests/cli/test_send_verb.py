"""`songda send` as a clerk uses it: look first, send once, and be told what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Town

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def sent(town: Town) -> list[str]:
    """The titles that the city office has sent, newest first."""
    return [one["title"] for one in town.api("GET", "/dispatches?limit=100", "sclerk")["items"]]


def test_a_preview_sends_nothing(town: Town, text: str) -> None:
    """Units, persons and the ceiling of the charge are shown, and nothing leaves."""
    told = town.done(
        "send",
        "--title",
        "只看一看",
        "--kind",
        "slip",
        "--body-file",
        text,
        "--to-unit",
        "E01",
        "--to-unit",
        "W01",
        "--preview",
        who="sclerk",
    )
    assert "单位" in told
    assert "短信费用" in told
    assert "只看一看" not in sent(town)


def test_a_slip_is_sent_once_however_often_it_is_tried(town: Town, tmp_path: Path) -> None:
    """Asked and confirmed it leaves; the same content again is the same dispatch; another key sends anew."""
    body = tmp_path / "body.txt"
    body.write_text("请各单位落实。", "utf-8")
    words = [
        "send",
        "--title",
        "关于春耕的通知",
        "--kind",
        "slip",
        "--body-file",
        str(body),
        "--to-unit",
        "E01",
    ]
    refused = town.songda(*words, who="sclerk", stdin="n\n")
    assert (refused.exit_code, sent(town).count("关于春耕的通知")) == (1, 0)
    first = town.done(*words, who="sclerk", stdin="y\n")
    assert "正在发送：文件" in first
    again = town.songda(*words, "--yes", who="sclerk")
    assert again.stdout.splitlines()[-1] == first.splitlines()[-1]
    assert "没有重复发送" in again.stderr
    assert sent(town).count("关于春耕的通知") == 1
    town.done(*words, "--yes", "--key", "another-key-1", who="sclerk")
    assert sent(town).count("关于春耕的通知") == 2


def test_a_whole_region_from_a_file(town: Town, tmp_path: Path) -> None:
    """A JSON file says what the interface takes; options add to it; --json tells the answer to programs."""
    file = tmp_path / "wish.json"
    wish = {"kind": "slip", "title": "文件里的标题", "body": "正文", "scope": {"unit_codes": ["S01"]}}
    file.write_text(json.dumps(wish), "utf-8")
    told = town.done(
        "send", str(file), "--to-region", "121", "--urgency", "urgent", "--yes", "--json", who="eclerk"
    )
    answer = json.loads(told)
    assert (answer["units"], answer["state"], answer["replayed"]) == (2, "sending", False)


def test_from_standard_input(town: Town) -> None:
    """`-` reads the content; it cannot ask there and says so."""
    wish = json.dumps({"kind": "slip", "title": "管道来的", "body": "正文", "scope": {"unit_codes": ["E01"]}})
    asked = town.songda("send", "-", who="sclerk", stdin=wish)
    assert (asked.exit_code, "加 --yes" in asked.stderr) == (1, True)
    assert "文件" in town.done("send", "-", "--yes", who="sclerk", stdin=wish)


def test_attachments_travel_with_it(town: Town, tmp_path: Path) -> None:
    """Files are uploaded and named in the document; tried again nothing is uploaded twice."""
    file = tmp_path / "附表.pdf"
    file.write_bytes(PDF)
    words = [
        "send",
        "--title",
        "带附件",
        "--kind",
        "slip",
        "--to-unit",
        "E01",
        "--attach",
        str(file),
        "--yes",
        "--json",
    ]
    first = json.loads(town.done(*words, who="sclerk").splitlines()[-1])
    again = json.loads(town.done(*words, who="sclerk").splitlines()[-1])
    assert again == first | {"replayed": True}
    document = town.api("GET", f"/documents/{first['document_id']}", "sclerk")
    assert [one["name"] for one in document["attachments"]] == ["附表.pdf"]


def test_a_wide_one_waits_for_a_second_person(town: Town) -> None:
    """To everybody it is general: the preview says so and it is held."""
    told = town.songda("send", "--title", "全市提醒", "--kind", "alert", "--everyone", "--yes", who="sclerk")
    assert told.exit_code == 0, told.output
    assert "待批普发" in told.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--title", "x", "--to-unit", "Z99"], "没有编码为 Z99 的单位"),
        (["--title", "绝密★启用前", "--kind", "slip", "--to-unit", "E01"], "密级"),
        (["--title", "x", "--kind", "planet", "--to-unit", "E01"], "/kind"),
        (["--title", "x", "--body-file", "nowhere.txt", "--to-unit", "E01"], "读不到正文"),
        (["--title", "x", "--attach", "nowhere.pdf", "--to-unit", "E01"], "读不到附件"),
        (["nowhere.json"], "读不到 nowhere.json"),
    ],
)
def test_what_is_wrong_is_said(town: Town, words: list[str], told: str) -> None:
    """Unknown units, classified marks, unknown kinds and missing files end with 1 and a sentence in Chinese."""
    result = town.songda("send", *words, "--yes", who="sclerk")
    assert result.exit_code == 1, result.output
    assert told in result.stderr
    assert "Traceback" not in result.output
