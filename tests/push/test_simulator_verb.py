"""`songda carrier-sim` as a process: it says where it listens, ends in order, and its invoice outlives a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from push.sms.carrier import SubmitAnswer
from push.sms.ports import Outcome
from push.sms.simulator.script import read_script
from tests.push.gateway_world import until
from tests.push.simulator_world import ACCOUNTS, client_of, lines_of, segment

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def sim(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The verb with ``options``; ended at the latest here."""
    with subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "carrier-sim", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Its next line."""
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_listens_and_ends_in_order(number: signal.Signals, tmp_path: Path) -> None:
    """All four ports on one line; what was done on the last; status 0."""
    with sim("--detail", str(tmp_path / "d.csv"), "--seed", "7", "--account", "900001:888888") as process:
        ports = said(process)["listening"]
        assert list(ports) == ["cmpp", "smgp", "smpp", "sgip"]
        for name in ports:
            async with client_of(name, ports[name]) as client:
                assert isinstance(await client.link.submit(segment()), SubmitAnswer)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert {name: told["segments"] for name, told in json.loads(rest)["ended"].items()} == dict.fromkeys(
        ports, 1
    )
    assert len(lines_of(tmp_path / "d.csv")) == 4


async def test_the_invoice_outlives_a_kill(tmp_path: Path) -> None:
    """Every answer that arrived has its line; killed twice in one file, no id stands there twice."""
    file, answered = tmp_path / "d.csv", set[str]()
    for _ in range(2):
        with sim("--detail", str(file), "--protocol", "cmpp", "--port", "0") as process:
            port = said(process)["listening"]["cmpp"]
            async with client_of("cmpp", port) as client:
                outcomes: list[Outcome] = []

                def done(told: list[Outcome], all_of: list[Outcome] = outcomes) -> None:
                    all_of.extend(told)

                for number in range(90):
                    client.link.post([segment(f"138{number:08}")], done)
                await until(lambda outcomes=outcomes: len(outcomes) >= 5)  # type: ignore[misc]
                process.kill()
                await until(lambda client=client: not client.link.state.up)  # type: ignore[misc]
        accepted = [one.message_id for one in outcomes if isinstance(one, SubmitAnswer)]
        assert len(accepted) >= 5
        answered.update(accepted)
    ids = [one.message_id for one in lines_of(file)]
    assert answered <= set(ids)
    assert len(set(ids)) == len(ids)


def test_the_sample_is_a_script() -> None:
    """What --sample prints can be given to --script."""
    with sim("--sample") as process:
        told, _ = process.communicate(timeout=20)
    assert read_script(told).cases[0].answer == "refuse"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--protocol", "cmp"], "--protocol"),
        (["--protocol", "cmpp", "--protocol", "cmpp"], "--protocol"),
        (["--port", "70000"], "--port"),
        (["--account", "900001"], "--account"),
        (["--script", "/nonexistent.toml"], "--script"),
        (["--report-to", "900009=h:1:a:b"], "--report-to"),
        (["--detail", "/nonexistent/d.csv"], "详单"),
    ],
)
def test_wrong_options_are_said(options: list[str], word: str) -> None:
    """Status 1 and the option's name; a secret is never repeated."""
    with sim(*options) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert word in errors
    assert "Traceback" not in errors
    assert ACCOUNTS["900001"] not in errors
