"""The peer for broadcasts: nchan, a C module of nginx, with one worker in a temporary folder and on a port of its own."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final, Self

MODULE: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
STARTS_WITHIN_S: Final = 10
SUBSCRIBE: Final = "/subscribe"

CONFIG: Final = """
load_module {module};
daemon off;
user {user};
pid {folder}/pid;
error_log {folder}/error.log error;
worker_processes 1;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /subscribe {{
            nchan_subscriber websocket;
            nchan_channel_id city;
            nchan_subscriber_first_message newest;
        }}
        location = /publish {{
            nchan_publisher http;
            nchan_channel_id city;
            nchan_message_buffer_length 1;
        }}
    }}
}}
"""


def program() -> str | None:
    """Where nginx is, when its nchan module is there too."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found if MODULE.exists() else None


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def configured(folder: str, port: int, sockets: int) -> Path:
    """The configuration, written into ``folder``."""
    text = CONFIG.format(
        module=MODULE,
        user=pwd.getpwuid(os.getuid()).pw_name,
        folder=folder,
        port=port,
        descriptors=sockets + 200,
        connections=sockets * 5 // 4,  # nginx closes standing connections once only a sixteenth is free
    )
    path = Path(folder, "nginx.conf")
    path.write_text(text, encoding="utf-8")
    return path


def first_child(pid: int) -> int:
    """The first child of process ``pid``; 0 when it has none yet."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return int(children[0]) if children else 0


class Nchan:
    """One running nginx; ``pid`` is its worker, whose CPU time counts."""

    def __init__(self, process: asyncio.subprocess.Process, folder: str, port: int) -> None:
        self._process = process
        self._folder = folder
        self.port = port
        self.pid = 0

    @classmethod
    async def start(cls, sockets: int) -> Self | None:
        """Room for ``sockets``; None where nginx or the module is missing."""
        nginx = program()
        if nginx is None:
            return None
        folder, port = tempfile.mkdtemp(prefix="songda-nchan-"), free_port()
        config = configured(folder, port, sockets)
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(nginx, "-c", config, "-p", folder, stderr=quiet)
        one = cls(process, folder, port)
        await one._ready()
        return one

    async def _ready(self) -> None:
        async with asyncio.timeout(STARTS_WITHIN_S):
            while not self.pid:
                await asyncio.sleep(0.05)
                self.pid = first_child(self._process.pid)

    async def publish(self, payload: bytes) -> None:
        """One message to all who subscribe. Raises RuntimeError when it was not taken."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = b"POST /publish HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(payload) + payload)
        status = await reader.readline()
        writer.close()
        if status.split()[1] not in {b"201", b"202"}:
            raise RuntimeError(f"nchan answered {status!r}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_why: object) -> None:
        """End it and remove its folder."""
        self._process.terminate()
        await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
