"""`songda demo --once --json`: the whole road in two processes, and its last line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from gateway.demo.play import Played
from gateway.demo.screen import next_lines
from gateway.demo.stage import Cast
from inbox_store.programs.cast import Player
from tests.house.test_documents import commands, fault_of

UNITS = 130
PERSONS = 900


def played(folder: Path) -> dict[str, Any]:
    """The last line of a small demo."""
    command = [sys.executable, "-m", "gateway.cli", "demo", "--once", "--json"]
    size = ["--units", str(UNITS), "--persons", str(PERSONS), "--data", str(folder)]
    done = subprocess.run([*command, *size], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def test_the_whole_road_is_counted_once_and_the_same_each_time(tmp_path: Path) -> None:
    """Every unit gets one copy, every copy has one outcome, and another run tells the same story."""
    told, again = played(tmp_path / "first"), played(tmp_path / "second")
    for timed in ("fanout_s", "seconds"):
        assert told.pop(timed) > 0
        again.pop(timed)
    assert told == again
    assert (UNITS, PERSONS, UNITS) == (told["units"], told["persons"], told["distributions"])
    # Clerks A and B and the responsible leader of each unit.
    assert 2 * UNITS <= told["inbox_entries"] <= 3 * UNITS
    base = UNITS - told["returned"]
    assert round(100 * told["signed"] / base, 1) == told["sign_rate"] == told["on_time_sign_rate"]
    assert 0 < told["signed"] < base
    meeting = told["meeting"]
    assert meeting["asked"] == 100
    assert meeting["answered"] + meeting["missing"] == 100
    assert 0 < meeting["attending"] <= meeting["answered"]


def test_what_the_demo_tells_to_try_can_be_typed() -> None:
    """Each command printed at the end names a verb and options that exist."""
    player = Player(
        unit_id=1,
        unit_code="990100-001",
        unit_name="某办",
        person_id=1,
        name="甲",
        account_id=1,
        token_epoch=0,
    )
    played = Played(
        document_id=1,
        dispatch_id=1,
        meeting_id=2,
        reminded=(1,),
        summary={},
        faults=[],
        month=202601,
        seconds=1.0,
    )
    clerks = {number: msgspec.structs.replace(player, unit_code=f"U{number}") for number in range(50)}
    cast = Cast(
        sender=player,
        approver=player,
        clerks=clerks,
        county_offices=(),
        switched_off="",
        tokens={1: "T"},
        units=50,
        persons=1,
    )
    lines = next_lines("http://127.0.0.1:1", Path("/data"), cast, played)
    typed = list(commands("```sh\n" + "\n".join(line.partition("#")[0] for line in lines) + "\n```"))
    ours = [words for words in typed if words[0] == "songda"]
    assert len(ours) >= 7
    assert [(words, fault_of(words)) for words in ours if fault_of(words)] == []
