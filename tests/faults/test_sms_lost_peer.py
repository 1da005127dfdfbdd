"""A carrier whose address vanishes without FIN or RST: the kernel's own timeout ends the connection (faults.md 21)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from push.sms.ports import LinkLimits
from tests.faults.server import start
from tests.faults.sms_carriers import carrier
from tests.faults.sms_world import sms_world, world_channel

ADDRESS: Final = "10.77.0.1"
LATEST_S: Final = LinkLimits().user_timeout_s + 10
"""The heartbeat alone would take 20 s of silence and three probes of 10 s."""


class Net:
    """A network of its own for some processes: ``enter`` before their command."""

    def __init__(self, pid: int) -> None:
        more = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        self.enter = ["nsenter", "--target", str(pid), "--net", *more]

    def ip(self, words: str) -> None:
        """Change something about it."""
        subprocess.run([*self.enter, "ip", *words.split()], check=True, timeout=10)

    def vanish(self) -> None:
        """The address is gone, and whatever is sent to it too."""
        self.ip(f"address delete {ADDRESS}/32 dev lo")
        self.ip(f"route add blackhole {ADDRESS}/32")

    def come_back(self) -> None:
        """As before."""
        self.ip(f"route delete blackhole {ADDRESS}/32")
        self.ip(f"address add {ADDRESS}/32 dev lo")


@contextmanager
def a_net() -> Iterator[Net]:
    """A network with nothing but the carrier's address in it."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    script = f"ip link set lo up && ip address add {ADDRESS}/32 dev lo && echo up && exec sleep 600"
    with subprocess.Popen([*alone, "sh", "-c", script], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        try:
            yield Net(holder.pid)
        finally:
            holder.kill()


@pytest.mark.long
@pytest.mark.timeout(200)
@pytest.mark.needs_program("unshare")
@pytest.mark.needs_program("nsenter")
@pytest.mark.needs_program("ip")
def test_a_peer_that_vanished_is_noticed(tmp_path: Path) -> None:
    """Sent bytes that nobody acknowledges end it in half a minute; what was open is in doubt, the rest leaves by the next."""
    with sms_world(tmp_path, 10, ("cmpp3",)) as world, a_net() as net:
        world.carriers["carrier"].kill()
        world.carriers["carrier"] = one = carrier(tmp_path, {"cmpp": 0}, host=ADDRESS, wrap=net.enter)
        world.channels([world_channel(world, "cmpp3", one.ports["cmpp"], host=ADDRESS, rate_per_s=20)])
        with world.serving(SONGDA__SMS__CHANNELS_FILE="") as server:
            world.hand_in(server, 4)
            server.stop()
        server = start(world.folder, environ=world.environ, wrap=net.enter)
        try:
            world.until_accepted(20, server)
            net.vanish()
            began = time.monotonic()
            world.until(lambda: "sms.down" in server.said(), "the connection ends", LATEST_S)
            sys.stdout.write(f"\nnoticed after {time.monotonic() - began:.0f} s\n")
            net.come_back()
            world.until_quiet()
            server.stop()
        finally:
            server.kill()
            server.wait()
        assert 0 < world.states()["in_doubt"] <= world.capacity["cmpp3"]
        world.check()
