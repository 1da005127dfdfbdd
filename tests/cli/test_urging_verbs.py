"""`songda urge` and `songda lights` against a real server."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest

from inbox_store.embedded import FILE
from tests.cli.conftest import Town

WAIT_S = 20


def count(town: Town, query: str) -> int:
    """A number out of the file, read past the house."""
    with closing(sqlite3.connect(town.data / FILE)) as conn:
        return int(conn.execute(query).fetchone()[0])


def sent(town: Town) -> int:
    """A document of the city office to two units of the east, delivered; its id."""
    body = {
        "kind": "slip",
        "title": "关于报送防汛情况的函",
        "body": "请报送。",
        "elements": {"issuer": "云水市政府办"},
        "scope": {"unit_codes": ["E01", "E02"]},
    }
    document_id = int(town.api("POST", "/dispatches", "sclerk", body, "urge-verb-send")["document_id"])
    ends = time.monotonic() + WAIT_S
    while count(town, f"select count(*) from distribution where document_id = {document_id}") < 2:  # noqa: S608
        assert time.monotonic() < ends
        time.sleep(0.02)
    return document_id


def test_those_who_owe_are_urged(town: Town) -> None:
    """One unit by its code, then all: who was urged a moment ago is told with the time; the record says who and how."""
    number = str(sent(town))
    assert "已催办 1 个单位，告知 2 人" in town.done("urge", number, "--unit", "E01", who="sclerk")
    again = town.songda("urge", number, "--unit", "E01", who="sclerk")
    assert (again.exit_code, "urged_lately" in again.stderr) == (1, True)
    told = town.done("urge", number, who="sclerk")
    assert "已催办 1 个单位" in told
    assert "1 个单位刚刚催办过" in told
    told = json.loads(town.done("urge", number, "--list", "--json", who="sclerk"))
    assert [one["unit"]["code"] for one in told["items"]] == ["E01", "E02"]
    shown = town.done("urge", number, "--list", who="sclerk")
    assert [word for word in ("孙浩", "收发员", "收件箱", "云水市政府办") if word not in shown] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["urge", "999999"], "没有找到"),
        (["urge", "1", "--unit", "无此单位"], "没有编码为 无此单位"),
        (["lights", "--county", "无此县"], "没有名称或编码为 无此县"),
    ],
)
def test_what_is_wrong_is_said(town: Town, words: list[str], says: str) -> None:
    """A document, unit or county that is not there ends with 1 and a sentence."""
    told = town.songda(*words, who="sclerk")
    assert (told.exit_code, says in told.stderr) == (1, True)


def test_the_board(town: Town) -> None:
    """Lights that are on, with colours and counts; a narrower look shows less."""
    number = sent(town)
    with closing(sqlite3.connect(town.data / FILE)) as conn:
        conn.execute(
            "insert into light (duty, document_id, unit_id, copy_round, due_at, amber_at, red_at)"
            " select 'sign', document_id, unit_id, 1, 2, 1, 2 from distribution where state = 'unsigned' and document_id = ?"
            " on conflict do nothing",
            (number,),
        )
        conn.commit()
    told = town.done("lights", who="supervisor")
    assert [word for word in ("红灯 2，黄灯 0", "东川县水务局", "签收") if word not in told] == []
    only = json.loads(
        town.done("lights", "--red", "--unit", "E01", "--duty", "sign", "--json", who="supervisor")
    )
    assert [one["unit"]["code"] for one in only["items"]] == ["E01"]
    assert "红灯 0" in town.done("lights", "--county", "西岭县", who="supervisor")
