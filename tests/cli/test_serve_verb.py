"""`songda serve` as a process: it says where it is, stops when told, and says why it cannot start."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

from tests.cli.conftest import await_ready, free_port, start_server


def test_it_serves_and_stops_when_told(tmp_path: Path) -> None:
    """The address is printed, the probe answers, SIGTERM ends it with 0."""
    port = free_port()
    process = start_server(tmp_path / "data", port)
    await_ready(process, f"http://127.0.0.1:{port}")
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert f"http://127.0.0.1:{port}" in told
    assert "Traceback" not in told


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """A port that somebody else holds ends the start with 1 and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start_server(tmp_path / "data", taken.getsockname()[1])
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 1, told
    assert "换一个端口" in told
    assert "Traceback" not in told
