"""`songda listen`: one's own inbox in the terminal, live, from where the last run ended."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.client import Authority, Far, Server, TokenFile, far, token_of
from gateway.cli.console import stop

if TYPE_CHECKING:
    import ssl

    from rich.console import Console

    from realtime.client import LiveClient
    from realtime.frames import Notice
    from realtime.items import Item

STATES: Final = {"to_do": "待办", "to_read": "待阅", "done": "已办", "read": "已阅", "withdrawn": "已撤回"}
KINDS: Final = {"arrived": "新到", "state": "变化", "withdrawn": "撤回"}
STYLES: Final = {"flash": "bold red", "extra_urgent": "red", "urgent": "yellow"}


def whose(token: str) -> str:
    """A name for the token's holder that outlives the token: its subject, or a digest of a token that has none.

    The token is not verified here: the name only keeps the positions of several people apart in one file.
    """
    import msgspec

    class Claims(msgspec.Struct):
        sub: str

    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        return msgspec.json.decode(claims, type=Claims).sub
    except ValueError:
        return hashlib.sha256(token.encode()).hexdigest()[:16]


def line_of(item: Item) -> str:
    """One item as an office would note it down."""
    from inbox_store.nouns import FOLDER_ZH, STATE_ZH, URGENCY_ZH
    from inbox_store.times import moment

    urgency = "" if item.urgency == "ordinary" else f"【{URGENCY_ZH[item.urgency]}】"
    due = f" 签收时限 {moment(item.sign_due_at):%m-%d %H:%M}" if item.sign_due_at else ""
    units = "".join(f" {STATE_ZH[one.status]}{'：' + one.by if one.by else ''}" for one in item.unit_status)
    return (
        f"{moment(item.sent_at):%m-%d %H:%M} {KINDS[item.kind]} {FOLDER_ZH[item.folder]} {STATES[item.state]} "
        f"{urgency}{item.title}（{item.sender}）{due}{units}"
    )


class Screen:
    """Where items go: lines for people, or JSON lines for programs; remarks go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        from rich.console import Console

        self._as_json = as_json
        self._out: Console = Console(soft_wrap=True, highlight=False)

    def show(self, item: Item) -> None:
        """One item."""
        if self._as_json:
            import msgspec

            typer.echo(msgspec.json.encode(item))
        else:
            self._out.print(line_of(item), style=STYLES.get(item.urgency), markup=False)

    def notice(self, told: Notice) -> None:
        """A notice: a remark for people, a line of JSON for programs."""
        if self._as_json:
            import msgspec

            typer.echo(msgspec.json.encode(told))
        else:
            self.remark(f"提醒：{told.text}")

    def remark(self, text: str) -> None:
        """A word about the connection."""
        typer.echo(text, err=True)


async def follow(live: LiveClient, screen: Screen, once: int) -> None:
    """Show items until interrupted, or until `once` of them were shown (0: no end)."""
    async with live:
        await live.connect()
        welcome = live.welcome
        resumed = welcome is not None and welcome.resumed
        if live.restarts:
            screen.remark("上次的位置已失效（服务器恢复过备份），此前的来文请在收件箱查看。")
        screen.remark("已连接，从上次的位置继续。" if resumed else "已连接，从现在起接收。")
        shown = 0
        async for item in live:
            screen.show(item)
            shown += 1
            if shown == once:
                await live.done()
                return


def listen(
    ctx: typer.Context,
    server: Server = "",
    token_file: TokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="每条输出一行 JSON")] = False,
    once: Annotated[int, typer.Option("--once", min=0, help="收到这么多条后结束；0 表示一直接收")] = 0,
    ca: Authority = None,
) -> None:
    """在终端实时接收本人的来文和状态变化；断线自动续传，Ctrl-C 结束。

    Follow one's own inbox live. The position is remembered, so that the next run goes on where this one ended.
    """
    import asyncio

    from realtime.client import LiveRefusedError

    place, screen = far(ctx, server, token_file, ca), Screen(as_json=as_json)
    try:
        asyncio.run(follow(_client(place, token_file, screen), screen, once))
    except LiveRefusedError as why:
        stop(str(why), "令牌可能已过期，或帐户已停用；换一个令牌再试")
    except KeyboardInterrupt:
        screen.remark("已停止；下次从这里继续。")


def _client(place: Far, token_file: Path | None, screen: Screen) -> LiveClient:
    import asyncio

    from realtime.client import ClientOptions, Credential, LiveClient
    from realtime.frames import Hello
    from realtime.positions import FilePositions
    from realtime.server import LIVE_PATH

    async def credential() -> Credential:
        return Credential(token=token_of(token_file))  # read anew: it may have been renewed meanwhile

    async def pause(seconds: float) -> None:
        screen.remark(f"连接中断，{seconds:.1f} 秒后重连……")
        await asyncio.sleep(seconds)

    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return LiveClient(
        f"ws{place.url.removeprefix('http')}{LIVE_PATH}",
        credential,
        hello=Hello(device="terminal", app="songda listen"),
        positions=FilePositions(state / "songda" / "live.json", f"{place.url} {whose(place.token)}"),
        options=ClientOptions(tls=_tls(place), pause=pause, noticed=screen.notice),
    )


def _tls(place: Far) -> ssl.SSLContext | None:
    import ssl

    if not place.url.startswith("https:"):
        return None
    try:
        return ssl.create_default_context(cafile=place.ca)
    except OSError as why:
        stop(f"读不到签发证书 {place.ca}：{why}", "检查 --ca 的文件")


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("listen")(listen)
