"""Pushes to Apple, against a TLS HTTP/2 sink in another process: our sender beside aioapns, in turn, with the same loop.

    python -m benchmarks.apns --count 10000 --runs 5 [--peer PYTHON]

aioapns gets an environment of its own in a temporary folder (it is no dependency of ours); ``--peer`` names the Python
of one that is there already. Both send the same alert with the same headers, 400 streams at most over two connections.
Ours also does what it always does: reads the answer's verdict, watches deadlines, keeps its breaker.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.figures import figure, tell

PEER: Final = ("aioapns==4.0", "uvloop==0.23.0")
GOAL: Final = 0.9
TIMEOUT_S: Final = 120


class Timed(NamedTuple):
    """One run: pushes a second on the clock, and CPU microseconds of the client's process for each."""

    rate: float
    cpu_us: float


def peer_python(folder: Path) -> str:
    """The Python of a new environment with the peer in it; "" where it cannot be had: then ours is measured alone."""
    python = str(folder / "bin" / "python")
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *PEER])
    except (subprocess.SubprocessError, OSError):
        print("apns: aioapns cannot be installed here, it is left out", file=sys.stderr)
        return ""
    return python


def _run(command: list[str]) -> str:
    quiet = subprocess.DEVNULL
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=quiet, timeout=TIMEOUT_S, check=True)  # noqa: S603
    return done.stdout.decode()


@contextmanager
def sink(ca: Path) -> Iterator[int]:
    """The port of a running sink; its certificate is written to ``ca``."""
    command = [sys.executable, "-m", "benchmarks.apns_sink", str(ca)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout
        yield json.loads(process.stdout.readline())["port"]
        process.communicate(timeout=TIMEOUT_S)


def _key(file: Path) -> Path:
    made = ec.generate_private_key(ec.SECP256R1())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(made.private_bytes(pem, form, serialization.NoEncryption()))
    return file


def timed(command: list[str], count: int) -> Timed:
    """One run of a client."""
    told = json.loads(_run(command).splitlines()[-1])
    return Timed(count / told["wall_s"], told["cpu_s"] * 1e6 / count)


def main() -> None:
    """Measure in turn, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--peer", default="")
    words = parser.parse_args()
    ours: list[Timed] = []
    theirs: list[Timed] = []
    with tempfile.TemporaryDirectory(prefix="songda-apns-") as name:
        folder = Path(name)
        peer = words.peer or peer_python(folder / "venv")
        key, ca = _key(folder / "key.p8"), folder / "ca.pem"
        with sink(ca) as port:
            told = [str(port), str(words.count), str(words.connections), str(ca), str(key)]
            for _ in range(words.runs):
                ours.append(timed([sys.executable, "-m", "benchmarks.apns_ours", *told], words.count))
                beside = str(Path(__file__).with_name("apns_peer.py"))
                if peer:
                    theirs.append(timed([peer, beside, *told], words.count))
    _tell(ours, theirs)


def _tell(ours: list[Timed], theirs: list[Timed]) -> None:
    made = [
        figure("apns.pushes", [one.rate for one in ours], "pushes/s", "", holds=None),
        figure("apns.cpu", [one.cpu_us for one in ours], "us/push", "", holds=None),
    ]
    if theirs:
        ratios = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)]
        shares = [other.cpu_us / mine.cpu_us for mine, other in zip(ours, theirs, strict=True)]
        goal = f">= {GOAL}"
        made += [
            figure("apns.aioapns", [one.rate for one in theirs], "pushes/s", "", holds=None),
            figure("apns.to_aioapns", ratios, "x", goal, holds=statistics.median(ratios) >= GOAL),
            figure("apns.aioapns_cpu", [one.cpu_us for one in theirs], "us/push", "", holds=None),
            figure("apns.cpu_to_aioapns", shares, "x", goal, holds=statistics.median(shares) >= GOAL),
        ]
    tell(made)


if __name__ == "__main__":
    main()
