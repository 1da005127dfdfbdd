"""The carrier's invoice: what finance can read, whole after a kill, and nothing answered that does not stand in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from push.sms.happenings import InDoubt
from push.sms.simulator.detail import HEADINGS, DetailFile
from push.sms.simulator.office import Plan, opened
from push.sms.simulator.script import Script
from sms_billing.detail import read_time
from tests.push.gateway_world import until
from tests.push.simulator_world import ACCOUNTS, client_of, lines_of, segment

AT = 1_763_775_000_000_000
"""2025-11-22 09:30 in Beijing."""


def test_lines_that_finance_reads(tmp_path: Path) -> None:
    """Ids, numbers, sources, times, states; also where a client sent what CSV must quote."""
    file = DetailFile(tmp_path / "detail.csv")
    file.add("a1", "13800138000", "10657333", AT, "DELIVRD")
    file.add("a2", "13800138001", '1",\n2', AT + 1_000_000, "MA:0001")
    file.add("a3", "13800138002", "10657333", AT, "REJECTD")
    file.flush()
    file.close()
    lines = lines_of(tmp_path / "detail.csv")
    assert [(one.message_id, one.source, one.status) for one in lines] == [
        ("a1", "10657333", "delivered"),
        ("a2", '1",\n2', "failed"),
        ("a3", "10657333", "failed"),
    ]
    assert [read_time(one.accepted) for one in lines] == [AT, AT + 1_000_000, AT]


@pytest.mark.parametrize("size", [0, 1, 9000])
def test_a_line_half_written_is_cut_off(tmp_path: Path, size: int) -> None:
    """After a kill the file goes on behind its last whole line, with one heading."""
    path = tmp_path / "detail.csv"
    for number in range(2):
        file = DetailFile(path)
        for line in range(size):
            file.add(f"a{number}{line:05}", "13800138000", "1", AT, "DELIVRD")
        file.flush()
        file.close()
        with path.open("ab") as torn:
            torn.write(b"a9,13800")
    DetailFile(path).close()
    assert path.read_text().count(HEADINGS) == 1
    assert len(lines_of(path)) == 2 * size


def test_two_carriers_in_one_file(tmp_path: Path) -> None:
    """The second is refused: they would write over each other."""
    file = DetailFile(tmp_path / "detail.csv")
    with pytest.raises(BlockingIOError):
        DetailFile(tmp_path / "detail.csv")
    file.close()
    DetailFile(tmp_path / "detail.csv").close()


async def test_without_its_line_nothing_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the client is left in doubt, the carrier says that it is broken, and the file is whole."""
    path = tmp_path / "detail.csv"
    plan = Plan(ports={"cmpp": 0}, accounts=ACCOUNTS, script=Script(), detail=path)

    def full(_file: int, data: bytes, _at: int) -> int:
        raise OSError(28, "No space left on device", len(data))

    async with opened(plan) as office, client_of("cmpp", office.ports["cmpp"]) as client:
        await client.link.submit(segment())
        monkeypatch.setattr(os, "pwrite", full)
        assert isinstance(await client.link.submit(segment()), InDoubt)
        await until(office.broken.done)
        monkeypatch.undo()
    assert len(lines_of(path)) == 1
