"""Stores to copy, to break and to restore: with keys as files, attachments, and all of a worker's facts."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from gateway.cli.app import app
from inbox_store.embedded import open_store
from inbox_store.embedded.copying import attachment_path
from inbox_store.keys import load_keys
from inbox_store.programs.registers import Upload, keep_upload
from inbox_store.times import system_now
from tests.faults.process import ROOT, TIMEOUT_S, worker
from tests.faults.worker import WallClock
from tests.inbox_store.world import KEYS, World

SECRET = b"tests of the store"
SIZES = {"phone-1.key": ("phone", 64), "phone-lookup.key": ("lookup", 32)}
SIZES |= {"receipt.key": ("receipt", 32), "codes.key": ("codes", 32)}


def write_keys(folder: Path, secret: bytes = SECRET) -> Path:
    """The keys of the tests' stores as an installation has them."""
    folder.mkdir(mode=0o700, parents=True)
    for name, (label, size) in SIZES.items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(hashlib.blake2b(label.encode(), key=secret, digest_size=size).digest())
    if secret == SECRET:
        assert load_keys(folder).receipts.key_id == KEYS.receipts.key_id
    return folder


def worked(folder: Path, seed: int, rounds: int = 2) -> Path:
    """A store in which a worker has done its rounds, with keys and two attachments."""
    with worker(folder, seed, "--rounds", str(rounds)) as running:
        assert running.wait() == 0, (folder / "stderr").read_text("utf-8")
    write_keys(folder / "keys")
    asyncio.run(_attach(folder))
    return folder


async def _attach(folder: Path) -> None:
    clock = WallClock()
    async with open_store(folder, clock=clock, readers=1) as store:
        world = await World.of(store, clock)
        for number, content in ((1, b"one" * 1000), (2, b"two" * 100_000)):
            file_id = f"{number:032x}"
            path = attachment_path(folder, file_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            upload = Upload(
                id=file_id,
                name=f"{number}.pdf",
                media_type="application/pdf",
                size_bytes=len(content),
                sha256=hashlib.sha256(content).digest(),
            )
            await world.write(keep_upload(upload, world.people["s0-a"], system_now()))


def content_of(folder: Path) -> dict[str, str]:
    """Every file below a folder by name, with the SHA-256 of its content; what SQLite keeps in memory is left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm") and path.stat().st_size
    }


def songda(*words: object) -> Result:
    """One call of the command line, with the environment of nobody."""
    environ = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200", "SONGDA_CONFIG": None, "SONGDA_TOKEN": ""}
    return CliRunner(env=environ).invoke(app, [str(word) for word in words])


def copier(verb: str, source: Path, target: Path, nth: int = 0) -> int:
    """A backup or restore in a process of its own; returns its status."""
    command = [sys.executable, "-m", "tests.faults.copier", verb, str(source), str(target), str(nth)]
    return subprocess.run(command, cwd=ROOT, timeout=TIMEOUT_S, check=False, capture_output=True).returncode


def as_json(told: Result) -> dict[str, object]:
    """The object a verb printed."""
    found: dict[str, object] = json.loads(told.stdout)
    return found
