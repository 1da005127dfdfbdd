"""`songda listen`: one's own inbox in the terminal."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.app import app
from tests.realtime.conftest import WAIT_S, Serve
from tests.realtime.memory_house import MemoryHouse

ME = 7


class Desk:
    """A terminal with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": "",
            "XDG_STATE_HOME": "",
            "NO_COLOR": "1",
            "SONGDA_TOKEN": "",
        }
        self.token = home / ".config" / "songda" / "token"
        self.token.parent.mkdir(parents=True)
        self.token.write_text(f"person-{ME}\n", encoding="ascii")

    async def run(self, port: int, *words: str) -> Result:
        """Run the verb to its end, beside this loop."""
        order = ["listen", "--server", f"http://127.0.0.1:{port}", *words]
        async with asyncio.timeout(WAIT_S):
            return await asyncio.to_thread(CliRunner().invoke, app, order, env=self.environ)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A terminal."""
    return Desk(tmp_path)


async def test_it_shows_what_arrives_and_goes_on_where_it_ended(
    serve: Serve, house: MemoryHouse, desk: Desk
) -> None:
    """The first run begins at the present; the next one shows what came between."""
    place = await serve()
    first = asyncio.create_task(desk.run(place.port, "--once", "1"))
    await place.until(lambda: place.server.persons_online == 1)
    house.arrive(1, ME)
    assert "第 1 号事项" in (await first).stdout
    house.arrive(2, ME)
    house.arrive(3, ME)

    second = await desk.run(place.port, "--once", "2")

    assert 0 == second.exit_code
    assert [
        f"01-01 08:00 新到 上级来文 待办 【加急】关于第 {number} 号事项的通知（市政府办公室）"
        for number in (2, 3)
    ] == second.stdout.splitlines()
    assert "从上次的位置继续" in second.stderr
    await place.until(lambda: house.acked_to(ME, "terminal") == 3)


async def test_programs_get_one_json_object_a_line(serve: Serve, house: MemoryHouse, desk: Desk) -> None:
    """With the fields of the live protocol; remarks do not mix with them."""
    place = await serve()
    first = asyncio.create_task(desk.run(place.port, "--once", "2", "--json"))
    await place.until(lambda: place.server.persons_online == 1)
    house.arrive(1, ME)
    house.change(ME, 1, "done")

    told = [json.loads(line) for line in (await first).stdout.splitlines()]

    assert [("arrived", "to_do"), ("state", "done")] == [(one["kind"], one["state"]) for one in told]


async def test_a_refused_token_ends_it_with_what_to_do(serve: Serve, desk: Desk, house: MemoryHouse) -> None:
    """Exit code 1, the reason and the mend on standard error."""
    place = await serve()

    async def nobody(_hello: object) -> None:
        """The token is known to nobody."""

    house.authenticate = nobody  # type: ignore[method-assign,assignment]
    told = await desk.run(place.port)

    assert 1 == told.exit_code
    assert "服务器不接受凭证" in told.stderr
    assert "换一个令牌" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--server", "oa.example.gov.cn"], "服务器地址不对"),
        (["--token-file", "/nowhere/token"], "读不到令牌"),
        (["--server", "https://oa.example.gov.cn", "--ca", "/nowhere/ca.pem"], "读不到签发证书"),
    ],
)
async def test_a_wrong_option_is_told_with_its_mend(desk: Desk, words: list[str], said: str) -> None:
    """Before anything is connected."""
    told = await desk.run(1, *words)

    assert 1 == told.exit_code
    assert said in told.stderr
    assert "处理：" in told.stderr


async def test_people_who_share_a_terminal_do_not_share_a_position(
    serve: Serve, house: MemoryHouse, desk: Desk
) -> None:
    """Positions are kept per server and holder; a renewed token of the same holder goes on."""
    place = await serve()
    house.arrive(1, ME)
    first = asyncio.create_task(desk.run(place.port, "--once", "1"))
    await place.until(lambda: place.server.persons_online == 1)
    house.arrive(2, ME)
    await first
    desk.token.write_text("person-8", encoding="ascii")
    second = asyncio.create_task(desk.run(place.port, "--once", "1"))
    await place.until(lambda: place.server.persons_online == 1)
    house.arrive(3, 8)

    assert "从现在起接收" in (await second).stderr


def test_the_holder_of_a_token_is_its_subject() -> None:
    """Two tokens of one person are one holder; what is no token of ours has a digest for a name."""
    from gateway.cli.listen import whose  # noqa: PLC0415 - as the verb does

    def token(jti: str) -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"sub": "account-7", "jti": jti}).encode())
        return f"e30.{claims.decode().rstrip('=')}.c2ln"

    assert "account-7" == whose(token("1")) == whose(token("2"))
    assert whose("person-7") != whose("person-8")
    assert 16 == len(whose("a.!!.c"))


async def test_ctrl_c_ends_it_cleanly(serve: Serve, house: MemoryHouse, desk: Desk) -> None:
    """Exit code 0, a word instead of a trace, and the socket closed."""
    place = await serve()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.cli", "listen", "--server", f"http://127.0.0.1:{place.port}",
        env=os.environ | desk.environ, stdout=pipe, stderr=pipe,
    )  # fmt: skip
    assert process.stderr
    async with asyncio.timeout(30):
        assert "已连接" in (await process.stderr.readline()).decode()
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
        await place.until(lambda: place.server.sessions_open == 0)

    assert 0 == process.returncode
    assert "已停止；下次从这里继续。\n" == said.decode()
