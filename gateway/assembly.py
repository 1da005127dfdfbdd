"""The one place where parts are chosen and joined: settings in, a running house out."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import structlog

from config.faults import ConfigFault, Fault
from config.settings import Settings
from config.toml_text import parse
from gateway.doors import live, serving
from gateway.doors.app import make_app
from gateway.doors.call import Check, Limits
from gateway.doors.middleware import address_of_caller
from gateway.doors.smtp_house import mail_door
from gateway.doors.uploads import AttachmentFolder
from gateway.doors.v1 import all_routes
from gateway.flows import upkeep
from gateway.flows.access import Access
from gateway.flows.mail_out import MailHouse
from gateway.flows.push_house import PushHouse, senders_of
from gateway.flows.push_house import rules_of as alert_rules_of
from gateway.flows.sms_house import SmsHouse, channels_of, check_channels, secrets_of, texts_of
from gateway.house import House
from gateway.house_figures import ChannelFigures, house_registry
from gateway.passwords import Passwords
from gateway.rules.accounts import AccessRules
from gateway.rules.deadlines import DeadlineRules
from gateway.rules.folders import DEFAULT_RULES, FolderRule, folder_rules
from gateway.rules.urging import UrgingRules
from gateway.rules.workcal import WorkCalendar, load, work_hours
from gateway.together import Together
from gateway.token_keys import load_ring
from gateway.tokens import Tokens
from inbox_store.embedded import FILE, open_store
from inbox_store.embedded.alone import held
from inbox_store.embedded.mark import Mark
from inbox_store.embedded.soundness import keys_for, must_be_fit_to_serve
from inbox_store.store import Store
from inbox_store.times import Clock, system_now
from push.app.own_service.routes import routes as push_routes
from realtime.frames import Notice
from realtime.limits import LiveLimits
from realtime.ports import LivePorts
from realtime.rules import SessionRules
from realtime.server import LIVE_PATH, LiveServer
from sms_billing.tariff import Tariff

log = structlog.get_logger("songda")

T = TypeVar("T")

HEARTBEATS_MISSED: Final = 2.5
"""So many heartbeats without a byte: the line is dead (faults.md 21)."""

_WORKDAYS: Final = Path(__file__).parent / "rules" / "workdays.toml"


@dataclass(slots=True, kw_only=True)
class Parts:
    """An opened installation: what flows work with, who may enter."""

    store: Store
    house: House
    access: Access


def calendar_of(settings: Settings) -> WorkCalendar:
    """The working calendar with the office's own table. Raises ValueError naming the place in it."""
    own = settings.deadlines.workdays_file
    text = (Path(own) if own else _WORKDAYS).read_text("utf-8")
    return load(text, work_hours(settings.deadlines.hours))


def folder_rules_of(settings: Settings) -> tuple[FolderRule, ...]:
    """The office's own rows before the built-in ones: the first that fits wins. Raises ValueError naming the row."""
    own = settings.dispatch.folder_rules_file
    try:
        rows = parse(Path(own).read_text("utf-8")).get("rules", []) if own else []
    except RecursionError:
        raise ValueError(f"folder rules: {own} is nested too deeply") from None
    return (*folder_rules(rows), *DEFAULT_RULES)


def _own_table(settings: Settings, key: str, read: Callable[[Settings], T]) -> T:
    """What ``read`` makes of an office's own table. Raises ConfigFault naming the setting ``key``."""
    try:
        return read(settings)
    except (OSError, ValueError) as fault:
        raise ConfigFault((Fault("", key, str(fault)),)) from fault


def check_tables(settings: Settings) -> None:
    """Open every table that the settings name, and the channels' secrets. Raises ConfigFault with all faults."""
    faults: list[Fault] = []
    for read in (
        lambda: _own_table(settings, "deadlines.workdays_file", calendar_of),
        lambda: _own_table(settings, "dispatch.folder_rules_file", folder_rules_of),
        lambda: _own_table(settings, "urging", urging_rules_of),
        lambda: check_channels(settings),
    ):
        try:
            read()
        except ConfigFault as fault:
            faults += fault.faults
    if faults:
        raise ConfigFault(tuple(faults))


def deadline_rules_of(settings: Settings) -> DeadlineRules:
    """The settings of deadlines as the rules take them."""
    told = settings.deadlines
    return DeadlineRules(
        sign_extra_urgent_any_hour_min=told.sign_extra_urgent_minutes,
        sign_urgent_work_min=told.sign_urgent_work_hours * 60,
        sign_ordinary_work_min=told.sign_ordinary_work_hours * 60,
        handle_extra_urgent_work_days=told.handle_extra_urgent_work_days,
        handle_urgent_work_days=told.handle_urgent_work_days,
        handle_ordinary_work_days=told.handle_ordinary_work_days,
    )


def urging_rules_of(settings: Settings) -> UrgingRules:
    """The settings of urging as the rules take them. Raises ValueError where a ladder's minutes do not grow."""
    told = settings.urging
    return UrgingRules(
        sign_any_hour=told.sign_extra_urgent_minutes,
        sign_urgent_work=told.sign_urgent_minutes,
        sign_ordinary_work=told.sign_ordinary_minutes,
        handle_before_work=told.handle_before_minutes,
        reply_before_work=told.reply_before_minutes,
        amber_any_hour=told.amber_extra_urgent_minutes,
        amber_sign_work=told.amber_sign_work_hours * 60,
        amber_handle_work=told.amber_handle_work_hours * 60,
        amber_reply_work=told.amber_reply_work_hours * 60,
        throttle=told.throttle_minutes,
        sms=told.sms,
    )


def access_rules_of(settings: Settings) -> AccessRules:
    """The settings of accounts as the rules take them."""
    told = settings.security
    return AccessRules(
        refresh_days=told.refresh_days,
        password_policy=told.password_policy,
        password_min_length=told.password_min_length,
        lock_failures=told.lock_failures,
        lock_minutes=told.lock_minutes,
        login_per_minute_per_address=told.login_per_minute_per_address,
        activation_days=told.activation_days,
    )


@asynccontextmanager
async def open_parts(settings: Settings, clock: Clock = system_now) -> AsyncIterator[Parts]:
    """Open the installation in the data folder; made on first use."""
    keys = await asyncio.to_thread(keys_for, settings.data_folder / FILE, settings.keys_folder)
    ring = load_ring(settings.keys_folder, clock())
    channels = channels_of(settings)
    async with open_store(
        settings.data_folder, clock=clock, keys=keys, readers=settings.store.readers
    ) as store:
        house = House(
            store=store,
            settings=settings,
            clock=clock,
            calendar=_own_table(settings, "deadlines.workdays_file", calendar_of),
            rules=deadline_rules_of(settings),
            urging=_own_table(settings, "urging", urging_rules_of),
            folder_rules=_own_table(settings, "dispatch.folder_rules_file", folder_rules_of),
            tariffs=(Tariff(price_li=settings.sms.price_li, from_at=0),),
            sms_texts=texts_of(settings, channels),
            asks_by_sms=any(channel.extension_digits for channel in channels),
            alert_rules=alert_rules_of(settings),
        )
        tokens = Tokens(
            ring, access_s=settings.security.access_minutes * 60, ticket_s=settings.security.ticket_s
        )
        passwords = Passwords()
        access = Access(
            engine=Together(store.engine),
            tokens=tokens,
            rules=access_rules_of(settings),
            clock=clock,
            code_key=keys.codes,
            passwords=passwords,
        )
        try:
            with Mark(settings.data_folder, store.engine.epoch) as mark:
                mark.move(store.engine.position)
                store.engine.witness(mark.move)
                yield Parts(store=store, house=house, access=access)
                mark.move(store.engine.position)
        finally:
            passwords.close()


@asynccontextmanager
async def open_offline(data_dir: Path) -> AsyncIterator[Parts]:
    """Open a data folder from the machine itself, beside a running server or without one.

    The folder's own settings are not known here: the defaults serve, with this folder as the store.
    """
    from config.loading import load as load_settings  # noqa: PLC0415 - only tools at the machine need it

    loaded = load_settings(None, {}, {"store.path": str(data_dir)})
    async with open_parts(loaded.settings) as parts:
        yield parts


@dataclass(slots=True, kw_only=True)
class Services:
    """What handlers see as ``call.services``."""

    parts: Parts
    limits: Limits
    live: LiveServer
    sms: SmsHouse
    push: PushHouse
    mail: MailHouse
    files: AttachmentFolder
    checks: Mapping[str, Check] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """What flows work with."""
        return self.parts.house

    @property
    def access(self) -> Access:
        """Accounts and sessions."""
        return self.parts.access

    @property
    def door(self) -> Access:
        """Who recognises callers."""
        return self.parts.access

    @property
    def clock(self) -> Clock:
        """Where ``now`` comes from."""
        return self.parts.house.clock


def limits_of(settings: Settings) -> Limits:
    """The settings of the server as limits of the doors."""
    told = settings.server
    return Limits(
        body_max_bytes=told.body_max_bytes,
        drain_s=told.drain_s,
        head_timeout_s=told.head_timeout_s,
        connections_max=serving.connections_held(Limits().connections_max),
        trusted_proxies=tuple(told.trusted_proxies),
    )


def live_limits_of(settings: Settings) -> LiveLimits:
    """The settings of live sockets as limits of their server."""
    told = settings.live
    session = SessionRules(
        hello_timeout_s=told.hello_timeout_s,
        heartbeat_s=told.heartbeat_s,
        silence_max_s=told.heartbeat_s * HEARTBEATS_MISSED,
    )
    # However many sockets stand open, a quarter of the connections is left to the interface.
    room = serving.connections_held(Limits().connections_max) * 3 // 4
    return LiveLimits(
        session=session,
        sessions_max=min(told.sessions_max, room),
        queue_max_bytes=told.queue_max_bytes,
        kernel_queue_bytes=_kernel_queue_bytes(told.queue_max_bytes),
        slice_sends=told.slice,
    )


def _kernel_queue_bytes(queue_max_bytes: int) -> int:
    """The kernel need not hold more for a stalled reader than we would; below 16 KiB a late ACK would cut quick ones."""
    return min(LiveLimits().kernel_queue_bytes, max(queue_max_bytes, 16 * 1024))


def attachment_folder(parts: Parts) -> AttachmentFolder:
    """Where attachments are received, with the limits of the settings."""
    told = parts.house.settings.dispatch
    return AttachmentFolder(
        parts.store.attachments, size_max_bytes=told.attachment_max_bytes, types=tuple(told.attachment_types)
    )


def _store_check(store: Store) -> Check:
    async def check() -> str | None:
        return str(store.engine.broken) if store.engine.broken else None

    return check


def _live_check(server: LiveServer) -> Check:
    async def check() -> str | None:
        return None if server.running else "实时连接已停止"

    return check


def live_server(parts: Parts) -> LiveServer:
    """The live server over the store; every commit is published to it."""
    house = parts.house

    async def peak(at: int, persons: int) -> None:
        await live.keep_peak(house, at, persons)

    async def notices(ids: Sequence[int]) -> Sequence[tuple[int, Notice]]:
        return await live.notices_told(house, ids)

    admission = live.DoorAdmission(parts.access, house.clock)
    ports = LivePorts(
        admission=admission,
        feed=live.StoreFeed(house, parts.store.engine.epoch),
        acks=live.StoreAcks(house),
        peak=peak,
        notices=notices,
    )
    settings = house.settings
    origins = (*settings.server.origins, settings.server.address)
    server = LiveServer(
        ports,
        origins=origins,
        limits=live_limits_of(settings),
        clock=house.clock,
        address=address_of_caller(settings.server.trusted_proxies),
    )

    def cut(account_id: int) -> None:
        for person_id in admission.persons_of(account_id):
            server.recheck(person_id)

    parts.access.on_cut(cut)
    parts.store.engine.subscribe(lambda nudge: server.publish(nudge) if live.concerns_people(nudge) else None)
    return server


@dataclass(slots=True, kw_only=True)
class Running:
    """A server that serves: its address, and its parts for tools of the same process."""

    parts: Parts
    live: LiveServer
    sms: SmsHouse
    mail: MailHouse
    port: int


@asynccontextmanager
async def _open_to_serve(settings: Settings, clock: Clock) -> AsyncIterator[Parts]:
    """The installation, held against other servers before anything of it is read or written."""
    async with held(settings.data_folder):
        await asyncio.to_thread(must_be_fit_to_serve, settings.data_folder / FILE)
        async with open_parts(settings, clock) as parts:
            yield parts


@asynccontextmanager
async def running(settings: Settings, clock: Clock = system_now) -> AsyncIterator[Running]:
    """Serve the doors and the live sockets on one port, with all upkeep, until the context is left; then drain."""
    async with _open_to_serve(settings, clock) as parts:
        sockets = live_server(parts)
        checks = {"store": _store_check(parts.store), "live": _live_check(sockets)}
        limits = limits_of(settings)
        messages = await sms_house(parts.house)
        push = await push_house(parts.house)
        parts.house.online = sockets.online
        mail = MailHouse.of(parts.house)
        await mail.open()
        services = Services(
            parts=parts,
            limits=limits,
            live=sockets,
            sms=messages,
            push=push,
            mail=mail,
            files=attachment_folder(parts),
            checks=checks,
        )
        await asyncio.to_thread(services.files.sweep)
        figures = house_registry(
            {
                "songda_store_waiting": lambda: parts.store.engine.waiting,
                "songda_live_sessions": lambda: sockets.sessions_open,
            }
        )
        figures.register(ChannelFigures(messages.sendings))
        app = make_app(services, all_routes(), registry=figures)
        app.router.add_get(LIVE_PATH, sockets.live)
        if push.own_service is not None:
            app.router.add_routes(push_routes(push.own_service))
        await sockets.start()
        keeping = [
            asyncio.create_task(upkeep.run(parts.house, parts.access.purge)),
            asyncio.create_task(messages.run(), name="sms"),
            asyncio.create_task(push.run(), name="push"),
            asyncio.create_task(mail.run(), name="mail"),
        ]
        told = settings.server
        try:
            async with (
                mail_door(parts.house, parts.access, services.files),
                serving.serve(
                    app, limits, host=told.host, port=told.port, tls=_tls(settings), farewell=sockets.stop
                ) as (_, port),
            ):
                log.info("serving", address=told.address, port=port, data=str(settings.data_folder))
                yield Running(parts=parts, live=sockets, sms=messages, mail=mail, port=port)
        finally:
            for task in keeping:
                task.cancel()
            for ended in await asyncio.gather(*keeping, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended


async def push_house(house: House) -> PushHouse:
    """The vendors of the settings, ready to run. Raises ConfigFault naming what is wrong with one."""
    senders = senders_of(house)
    push = PushHouse(house, senders)
    house.pushing = bool(senders)
    await push.open()
    return push


async def sms_house(house: House) -> SmsHouse:
    """The channels of the settings, ready to run. Raises ConfigFault naming what is wrong with one."""
    channels = channels_of(house.settings)
    messages = SmsHouse(house, channels, secrets_of(channels, house.settings.keys_folder))
    await messages.open()
    return messages


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """TLS where a certificate is set; TLS 1.2 and better."""
    if not settings.server.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.server.tls_cert, settings.server.tls_key or None)
    return context


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then stop taking in, finish what runs, close (faults.md 29)."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings):
        await stopping.wait()
        log.info("stopping")
