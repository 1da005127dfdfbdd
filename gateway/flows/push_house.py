"""The push alerts of one running house: its vendors, what leaves to them, what they report, which devices are gone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from config.checks import quiet_span
from config.faults import ConfigFault, Fault
from config.push_accounts import PushAccount, read_accounts, secret_of
from config.secret_files import secret_file
from config.settings import Settings
from gateway.flows.push_sending import PushSending
from gateway.house import House
from gateway.rules.alert_policy import AlertRules
from inbox_store.engine import Nudge, Program
from inbox_store.errors import Refused, StoreBroken
from inbox_store.programs import pushes
from inbox_store.programs.push_service import Settled
from inbox_store.pushes import PushReceipt
from push.app.calls import Delivered, Failed
from push.app.endpoints import EndpointFault, EndpointRules
from push.app.own_service.service import OwnServiceRules, PushService
from push.app.own_service.stored import StoredPushes
from push.app.pruning import GateRules, PruneGate
from push.app.registry import RECEIPTS, Around, sender_of, unified_push, web_push
from push.app.sender import PushSender, Vendor
from push.app.webpush import VapidKey
from push.app.webpush.subscription import SubscriptionFault, parse_subscription

SWEEP_EVERY_S: Final = 30.0
SWEPT_AT_ONCE: Final = 1_000
SUBSCRIBED: Final[frozenset[str]] = frozenset({"webpush", "unifiedpush"})

log = structlog.get_logger("push")


def accounts_of(settings: Settings) -> tuple[PushAccount, ...]:
    """The accounts of the settings. Raises ConfigFault naming the file and the row."""
    file = settings.push.accounts_file
    if not file:
        return ()
    try:
        return read_accounts(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise ConfigFault((Fault(file, "push.accounts_file", str(fault)),)) from fault


def rules_of(settings: Settings) -> AlertRules:
    """The office's policy of alerts from its settings."""
    start, end = quiet_span(settings.push.quiet_hours) or (0, 0)
    after = (row.split("=") for row in settings.push.sms_after)
    return AlertRules(
        quiet_from=start,
        quiet_to=end,
        ack_grace_s=settings.push.ack_grace_s,
        sms_after={urgency: int(minutes) for urgency, minutes in after},
    )


def senders_of(house: House) -> dict[Vendor, PushSender]:
    """Every sender of the settings. Raises ConfigFault naming the account and the key, or the missing secret."""
    settings = house.settings
    around = Around(settings.server.address, house.clock, receipts_secret(house))
    found: dict[Vendor, PushSender] = {}
    try:
        for account in accounts_of(settings):
            sender = sender_of(account, secret_of(account, settings.keys_folder), around)
            found[sender.vendor] = sender
    except ValueError as fault:
        raise ConfigFault((Fault(settings.push.accounts_file, "push.accounts_file", str(fault)),)) from fault
    if settings.push.contact:
        key = vapid_key(settings)
        found["webpush"] = web_push("webpush", key, endpoints_of(settings), around)
        found["unifiedpush"] = unified_push("unifiedpush", key, endpoints_of(settings), around)
    return found


def receipts_secret(house: House) -> str:
    """Of the marks that come back with receipts; derived, so that no further key has to be kept. Empty: none are asked for."""
    if not house.settings.push.receipts:
        return ""
    return hmac.new(house.store.keys.codes, b"songda push receipts 1", hashlib.sha256).hexdigest()


def vapid_key(settings: Settings) -> VapidKey:
    """The key that browsers know this house by, made on the first start: another one ends all subscriptions."""
    number = int.from_bytes(secret_file(settings.keys_folder / "webpush.key", 32), "big")
    # Any 32 random bytes make a number; the curve's order is a little below 2**256.
    private = ec.derive_private_key(number % (_P256_ORDER - 1) + 1, ec.SECP256R1())
    try:
        return VapidKey(private, settings.push.contact)
    except ValueError as fault:
        raise ConfigFault((Fault("", "push.contact", str(fault)),)) from fault


_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def endpoints_of(settings: Settings) -> EndpointRules:
    """Where subscriptions may lead: public addresses, what the office names of its own, and ourselves where we serve."""
    own = urlsplit(settings.server.address).hostname if settings.push.own_service else None
    hosts = (*settings.push.own_hosts, own) if own else settings.push.own_hosts
    return EndpointRules(hosts=hosts, networks=settings.push.own_networks, http=bool(own))


def own_service_of(house: House) -> PushService | None:
    """Our own push service where it is set: what browsers ack is delivered, in the transaction that forgets it."""
    settings = house.settings
    if not (settings.push.own_service and settings.push.contact):
        return None
    key = vapid_key(settings)
    rules = OwnServiceRules(
        url=f"{settings.server.address}/push", secret=key.secret_for(b"own push service"), keys=(key.public,)
    )
    store = StoredPushes(house.store.engine, lambda settled: _delivered(settled, rules.url, house.clock()))
    return PushService(rules, store, clock=house.clock)


def _delivered(settled: Settled, url: str, now: int) -> Program[None]:
    """The browser's word belongs to the order whose receipt is the message's address."""
    receipt = PushReceipt(
        vendor="webpush",
        receipt=f"{url}/message/{settled.id}",
        state="delivered" if settled.delivered else "failed",
        code=str(settled.code),
        at=now,
    )
    yield from pushes.receipts([receipt])


class PushHouse:
    """All vendors. ``run`` it as a task; it ends in order when it is cancelled."""

    def __init__(self, house: House, senders: Mapping[Vendor, PushSender]) -> None:
        settings = house.settings
        self.rules = rules_of(settings)
        self.gate = PruneGate(GateRules())
        self.sendings = {
            vendor: PushSending(house, sender, self.rules, self.gate) for vendor, sender in senders.items()
        }
        self.webpush_key = vapid_key(settings).public if settings.push.contact else ""
        self.own_service = own_service_of(house)
        self._house = house
        self._endpoints = endpoints_of(settings)

    def fault_of(self, vendor: Vendor, token: str) -> str:
        """Why a device's address cannot be used; "" where it can."""
        if vendor not in self.sendings:
            return f"没有启用 {vendor} 推送"
        if vendor in SUBSCRIBED:
            try:
                parse_subscription(token, self._endpoints)
            except (SubscriptionFault, EndpointFault) as fault:
                return f"订阅无法使用（{fault.code}）"
        return ""

    def wake(self) -> None:
        """There may be something to send."""
        for one in self.sendings.values():
            one.wake.set()

    async def open(self) -> None:
        """What a dead process had handed over is in doubt from now on."""
        lost = await self._house.store.engine.write(pushes.in_doubt(self._house.clock()))
        if lost:
            log.warning("push.in_doubt", alerts=lost)
        self._house.store.engine.subscribe(self._heard)

    async def run(self) -> None:
        """Send and look after it until cancelled; then end every vendor in order."""
        senders = [one.sender for one in self.sendings.values()]
        try:
            async with asyncio.TaskGroup() as group:
                if self.own_service is not None:
                    await self.own_service.start()
                for sender in senders:
                    await sender.start()
                for one in self.sendings.values():
                    group.create_task(one.run(), name=f"push {one.sender.vendor}")
                group.create_task(self._sweep(), name="push sweep")
        finally:
            await asyncio.gather(*(one.stop() for one in senders), return_exceptions=True)
            for one in self.sendings.values():
                await one.finish()
            if self.own_service is not None:
                await self.own_service.stop()

    async def receipts(self, vendor: str, headers: Mapping[str, str], body: bytes) -> int:
        """A vendor's callback about what it took; durable when it returns. Returns how many were known.

        Raises Refused("not_found") for a vendor that brings none, NotTheirs for what is not the vendor's.
        """
        read, secret = RECEIPTS.get(vendor), receipts_secret(self._house)
        if read is None or not secret:
            raise Refused("not_found", what="vendor", id=vendor)
        now = self._house.clock()
        told = [self._receipt(vendor, one, now) for one in read(headers, body, secret, now)]
        for sending in self.sendings.values():
            if sending.sender.vendor == vendor:
                await sending.settled()
        return await self._house.store.engine.write(pushes.receipts(told))

    def _receipt(self, vendor: str, one: Delivered | Failed, now: int) -> PushReceipt:
        lookup = self._house.store.keys.phones.lookup(f"{vendor}:{one.token}") if one.token else None
        failed = isinstance(one, Failed)
        return PushReceipt(
            vendor=vendor,
            receipt=one.receipt,
            token_lookup=lookup,
            state="failed" if failed else "delivered",
            code=one.code if isinstance(one, Failed) else "",
            at=one.at or now,
        )

    def _heard(self, nudge: Nudge) -> None:
        if nudge.arrivals:
            self.wake()

    async def _sweep(self) -> None:
        while True:
            try:
                write, now = self._house.store.engine.write, self._house.clock()
                while await write(pushes.expire(now, SWEPT_AT_ONCE), bulk=True) == SWEPT_AT_ONCE:
                    pass
            except StoreBroken:
                return
            except Exception:
                log.exception("push.sweep_failed")
            await asyncio.sleep(SWEEP_EVERY_S)
