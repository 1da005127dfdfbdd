"""The live door: an aiohttp handler beside the pages and the API, on the same port and loop.

aiohttp keeps pace with the best Python server in broadcast and is ahead in acked round trips (limits.md, live
sockets), so that one process and one port serve everything. Data frames bypass its writer: they are built already.
"""

from __future__ import annotations

import asyncio
import random
import socket as sockets
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, cast

import msgspec
import structlog
from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

from inbox_store.engine import Nudge
from inbox_store.times import US, Clock, system_now
from realtime import effects as does
from realtime.acks import AckPump
from realtime.badges import Badges
from realtime.catchup import CatchUps
from realtime.desk import Desk
from realtime.door import Door, Refusal
from realtime.effects import Effects
from realtime.frames import CLIENT_FRAME_MAX_BYTES
from realtime.housekeeping import Freezer
from realtime.hub import Hub
from realtime.limits import LiveLimits
from realtime.link import Link
from realtime.notices import Notices
from realtime.peaks import PeakMeter
from realtime.ports import LivePorts
from realtime.register import Register, sliced
from realtime.rules import NORMAL, RESTART
from realtime.session import Session

log = structlog.get_logger("realtime")

LIVE_PATH: Final = "/api/v1/live"

REFUSALS: Final[dict[Refusal, tuple[int, str, str]]] = {
    "foreign_origin": (
        403,
        "不允许该来源的网页建立实时连接",
        "Pages of this origin may not open live sockets",
    ),
    "full": (503, "实时连接已满，请稍后再试", "There is no room for more live sockets; try again later"),
    "full_for_address": (503, "该地址的实时连接过多", "Too many live sockets from this address"),
    "draining": (503, "服务器正在停止", "The server is stopping"),
    "bad_handshake": (400, "不是合法的 WebSocket 握手", "Not a websocket handshake (RFC 6455 §4.2.1)"),
}
SWEEP_SLICE: Final = 512
QUIET_CLOSES: Final = frozenset({NORMAL, RESTART})
"""Ends that tell nothing about the client or the line: the log leaves them out."""


def remote_address(request: web.Request) -> str:
    """The address of the other end of the connection; behind a proxy give the server another function."""
    return request.remote or ""


class LiveServer:
    """All live sessions of this process. ``start``, then route ``live``; ``publish`` each commit; ``drain``, ``stop``.

    ``origins`` are the web origins whose pages may connect; ``address`` tells a caller's address.
    """

    def __init__(
        self,
        ports: LivePorts,
        *,
        origins: Iterable[str] = (),
        limits: LiveLimits | None = None,
        clock: Clock = system_now,
        address: Callable[[web.Request], str] = remote_address,
    ) -> None:
        self._ports = ports
        self._feed = ports.feed
        self._limits = limits or LiveLimits()
        self._clock = clock
        self._address = address
        self._now = asyncio.get_running_loop().time
        self._door = Door(origins, self._limits)
        self._links: set[Link] = set()
        self._emptied = asyncio.Event()
        self._register = Register()
        self._meter = PeakMeter()
        self._freezer = Freezer(self._limits.freeze_every)
        self._sessions = 0
        self._group: asyncio.TaskGroup | None = None
        self._main: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._wire()

    def _wire(self) -> None:
        limits = self._limits
        desk = Desk(
            feed=self._feed,
            register=self._register,
            limits=limits,
            perform=self._perform,
            spawn=self._spawn,
            now=self._now,
        )
        self._badges = Badges(desk)
        self._notices = Notices(desk, self._ports.notices)
        self._hub = Hub(desk, self._badges.soon, self._notices.soon)
        self._catchups = CatchUps(desk)
        self._acks = AckPump(
            self._ports.acks,
            size_max=limits.acks_max,
            linger_s=limits.ack_linger_s,
            timeout_s=limits.ack_timeout_s,
        )
        self._deeds: dict[type[does.Effect], Callable[[Link, Any], None]] = {
            does.Send: lambda link, effect: desk.write(link, effect.frame),
            does.Acked: self._do_acked,
            does.Authenticate: self._do_authenticate,
            does.Join: self._do_join,
            does.CatchUp: self._catchups.want,
            does.Recheck: self._do_recheck,
            does.ReadCounts: lambda _link, effect: self._badges.soon(effect.person_id),
            does.Close: self._do_close,
        }

    # -- life

    @property
    def persons_online(self) -> int:
        """Distinct persons with a live session."""
        return len(self._register)

    def online(self) -> frozenset[int]:
        """Who has a live client now."""
        return self._register.persons()

    @property
    def sessions_open(self) -> int:
        """Open sockets, admitted or not."""
        return len(self._links)

    @property
    def running(self) -> bool:
        """Whether sockets are served; False before ``start``, after ``stop``, and after a bug ended the tasks."""
        return self._group is not None

    def publish(self, nudge: Nudge) -> None:
        """A commit is durable: see ``Hub.publish``. To be subscribed to the engine."""
        self._hub.publish(nudge)

    def recheck(self, person_id: int) -> None:
        """Somebody's log-in or rights were taken back: ask now whether their sessions still hold, close those that do not."""
        for link in self._register.of(person_id):
            self._perform(link, link.session.doubted())

    async def start(self) -> None:
        """Start serving."""
        started = asyncio.Event()
        self._main = asyncio.create_task(self._run(started), name="live")
        await started.wait()

    async def _run(self, started: asyncio.Event) -> None:
        pumps = [self._hub.run(), self._badges.run(), self._notices.run(), self._acks.run(), self._sweep()]
        pumps += [self._catchups.work() for _ in range(self._limits.reads_max)]
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                running = [group.create_task(pump) for pump in pumps]
                started.set()
                await self._stopping.wait()
                for pump in running:
                    pump.cancel()
        finally:
            self._group = None
            self._door.shut = True
            for link in self._links:
                link.transport.abort()

    async def drain(self, timeout_s: float = 8, chance: Callable[[], float] = random.random) -> None:
        """Let nobody in, tell everybody when to come back, close, and make the last acks durable; within the time.

        ``chance`` gives numbers in [0, 1): each client is told a moment of its own.
        """
        self._door.shut = True
        try:
            async with asyncio.timeout(timeout_s):
                await self._dismiss_all(chance)
                await self._acks.settled()
        except TimeoutError:
            log.warning("live.drain_cut", sessions=self.sessions_open)

    async def _dismiss_all(self, chance: Callable[[], float]) -> None:
        spread_ms = self._limits.drain_spread_ms
        await self._each(lambda session: session.drain("restart", int(chance() * spread_ms)))
        if self._links:
            await asyncio.sleep(self._limits.bye_grace_s)
        await self._each(Session.dismissed)
        while self._links:
            self._emptied.clear()
            await self._emptied.wait()

    async def _each(self, act: Callable[[Session], Effects]) -> None:
        for links in sliced(list(self._links), self._limits.slice_sends):
            for link in links:
                self._perform(link, act(link.session))
            await asyncio.sleep(0)

    async def stop(self, timeout_s: float = 8) -> None:
        """Drain and end all tasks. Raises what ended them before, if a bug did."""
        if self._main is None:
            return
        if self.running:
            await self.drain(timeout_s)
            if ended := self._meter.ended():
                await self._tell_peak(*ended)
        self._stopping.set()
        await self._main
        self._freezer.thaw()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        if self._group is None:
            work.close()
            raise RuntimeError("the live server is not running")
        return self._group.create_task(work)

    # -- one socket

    async def live(self, request: web.Request) -> web.StreamResponse:
        """The handler: judges the caller, upgrades, and listens until the socket is closed."""
        address = self._address(request)
        refusal = self._door.refusal(request.headers.get("Origin"), address)
        if refusal or not self.running:
            return self._refuse(refusal or "draining")
        self._door.enter(address)
        session = Session(str(self._sessions + 1), self._limits.session, self._now())
        self._sessions += 1
        try:
            return await self._serve(request, session)
        finally:
            if not session.person_id:
                self._door.known()
            self._door.leave(address)

    def _refuse(self, refusal: Refusal) -> web.Response:
        status, zh, en = REFUSALS[refusal]
        body = {"type": f"/problems/live_{refusal}", "title": zh, "title_en": en, "status": status}
        headers = {"Retry-After": str(self._limits.retry_after_s)} if status == 503 else {}
        if refusal == "bad_handshake":
            headers["Sec-WebSocket-Version"] = "13"  # which version would do (RFC 6455 §4.4)
        return web.Response(
            status=status,
            body=msgspec.json.encode(body),
            content_type="application/problem+json",
            headers=headers,
        )

    async def _serve(self, request: web.Request, session: Session) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            timeout=self._limits.close_timeout_s,
            autoping=False,  # pings count against the allowance, pongs for the heartbeat: the machine sees both
            compress=False,  # 45-130 KiB a socket and twice the CPU for frames of 300 bytes (limits.md)
            max_msg_size=CLIENT_FRAME_MAX_BYTES + 1,
            decode_text=False,
        )
        try:
            writer = await socket.prepare(request)
        except web.HTTPException:
            return self._refuse("bad_handshake")
        link = self._connect(request, session, socket, writer)
        try:
            await self._listen(link)
            if link.closing:
                await link.close(*link.closing)
        finally:
            session.gone()
            self._register.leave(link)
            self._links.discard(link)
            self._freezer.went()
            if not self._links:
                self._emptied.set()
        return socket

    def _connect(
        self,
        request: web.Request,
        session: Session,
        socket: web.WebSocketResponse,
        writer: AbstractStreamWriter,
    ) -> Link:
        transport = cast("asyncio.Transport", request.transport)
        if self._limits.kernel_queue_bytes:
            kernel: sockets.socket = transport.get_extra_info("socket")
            kernel.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, self._limits.kernel_queue_bytes)
        link = Link(session, socket, transport, writer, self._limits.queue_max_bytes)
        self._links.add(link)
        self._freezer.came()
        return link

    async def _listen(self, link: Link) -> None:
        """Until the other end is gone, or the session is to be closed."""
        try:
            while not link.closing:
                message = await link.socket.receive()
                if not self._heard(link, message.type, cast("bytes", message.data)):
                    return
                if self._acks.full:
                    await self._acks.room()
        except asyncio.CancelledError:
            if not link.called_away():
                raise

    def _heard(self, link: Link, kind: WSMsgType, data: bytes) -> bool:
        session, now = link.session, self._now()
        if kind is WSMsgType.TEXT:
            self._perform(link, session.received(data, now, self._hub.frontier))
        elif kind is WSMsgType.PING:
            self._perform(link, session.pinged(bytes(data), now))
        elif kind is WSMsgType.PONG:
            session.heard(now)
        elif kind is WSMsgType.BINARY:
            self._perform(link, session.binary(now))
        else:
            return False
        return True

    # -- what the machine asks for

    def _perform(self, link: Link, effects: Effects) -> None:
        for effect in effects:
            self._deeds[type(effect)](link, effect)

    def _do_acked(self, _link: Link, effect: does.Acked) -> None:
        self._acks.put(effect)

    def _do_join(self, link: Link, _effect: does.Join) -> None:
        self._door.known()
        for oldest in self._register.join(link, self._limits.devices_max):
            self._perform(oldest, oldest.session.replaced())
        self._meet(self._clock())

    def _do_close(self, link: Link, effect: does.Close) -> None:
        if effect.code not in QUIET_CLOSES:
            log.info("live.closed", code=effect.code, reason=effect.reason, person=link.session.person_id)
        self._register.leave(link)
        link.end(effect.code, effect.reason)

    def _do_authenticate(self, link: Link, effect: does.Authenticate) -> None:
        self._spawn(self._authenticate(link, effect))

    async def _authenticate(self, link: Link, effect: does.Authenticate) -> None:
        try:
            async with asyncio.timeout(self._limits.authenticate_timeout_s):
                who = await self._ports.admission.authenticate(effect.hello)
        except Exception as why:  # noqa: BLE001 - whatever the door's book says: nobody is admitted unread
            log.warning("admission.unread", why=repr(why))
            self._perform(link, link.session.unread(self._now()))
            return
        lasts_s = (who.expires_at - self._clock()) / US if who else 0.0
        position = max(self._feed.position(), self._hub.published, self._catchups.reached)
        # From here to the Join there is no await: no nudge above `position` can slip between the two.
        self._perform(link, link.session.admitted(who, position, self._feed.epoch, self._now(), lasts_s))

    def _do_recheck(self, link: Link, effect: does.Recheck) -> None:
        self._spawn(self._recheck(link, effect))

    async def _recheck(self, link: Link, effect: does.Recheck) -> None:
        valid: bool | None = None
        try:
            async with asyncio.timeout(self._limits.read_timeout_s):
                valid = await self._ports.admission.still_valid(effect.token_id)
        except Exception as why:  # noqa: BLE001 - whatever the door's book says: it is asked again
            log.warning("recheck.unread", why=repr(why))
        self._perform(link, link.session.rechecked(valid, self._now()))

    # -- time

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._limits.sweep_s)
            self._meet(self._clock())
            for links in sliced(list(self._links), SWEEP_SLICE):
                now = self._now()
                for link in links:
                    if link.session.due <= now:
                        self._perform(link, link.session.tick(now))
                await asyncio.sleep(0)

    def _meet(self, at: int) -> None:
        if ended := self._meter.seen(at, self.persons_online):
            self._spawn(self._tell_peak(*ended))

    async def _tell_peak(self, at: int, persons: int) -> None:
        try:
            async with asyncio.timeout(self._limits.read_timeout_s):
                await self._ports.peak(at, persons)
        except Exception as why:  # noqa: BLE001 - a figure is lost, not a document
            log.warning("peak.not_written", at=at, persons=persons, why=repr(why))
