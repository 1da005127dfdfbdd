"""A person's devices and preferences; nothing of another person's is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from gateway.house import Act, House
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault
from inbox_store.programs import pushes
from inbox_store.programs.idempotency import Answer
from inbox_store.pushes import Device, NewDevice, Preference
from inbox_store.times import moment
from push.app.sender import Vendor

LABEL_MAX: Final = 60
TOKEN_MAX: Final = 4_096

Check = Callable[[Vendor, str], str]
"""Why an address of a vendor cannot be used; "" where it can."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A device that asks to be alerted: ``token`` as the vendor gave it, or the subscription as JSON."""

    vendor: Vendor
    token: str
    label: str = ""


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """本人的一台设备；gone_at 起不再推送，gone_why 为原因"""

    id: int
    vendor: str
    label: str
    added_at: datetime
    seen_at: datetime
    gone_at: datetime | None
    gone_why: str

    @classmethod
    def of(cls, told: Device) -> DeviceView:
        """As it is answered: never its address."""
        return cls(
            id=told.id,
            vendor=told.vendor,
            label=told.label,
            added_at=moment(told.added_at),
            seen_at=moment(told.seen_at),
            gone_at=None if told.gone_at is None else moment(told.gone_at),
            gone_why=told.gone_why,
        )


async def register(house: House, act: Act, wanted: Wanted, check: Check) -> Answer:
    """A device asks to be alerted; the same address again is the same device.

    Raises Refused: device_invalid with the reason.
    """
    reason = check(wanted.vendor, wanted.token)
    if reason:
        raise Refused("device_invalid", reason=reason)
    device = NewDevice(
        person_id=act.person_id,
        vendor=wanted.vendor,
        token=wanted.token,
        label=wanted.label.strip()[:LABEL_MAX] or wanted.vendor,
    )
    vault = house.store.keys.phones
    return await house.once(act, _registered(device, vault, act), DeviceView.of, 201)


def _registered(device: NewDevice, vault: PhoneVault, act: Act) -> Program[Device]:
    device_id = yield from pushes.register(device, vault, act.now)
    mine = yield from pushes.devices_of(device.person_id)
    return next(one for one in mine if one.id == device_id)


async def mine(house: House, person_id: int) -> tuple[DeviceView, ...]:
    """The person's devices, those that are gone too."""
    return tuple(map(DeviceView.of, await house.store.engine.read(pushes.devices_of(person_id))))


async def remove(house: House, act: Act, device_id: int) -> Answer:
    """The person takes a device away. Raises Refused("not_found")."""
    return await house.once(act, pushes.remove(act.person_id, device_id, act.now), lambda _: None, 204)


async def prefer(house: House, act: Act, wanted: Preference) -> Answer:
    """Keep what the person wants of ordinary alerts."""
    return await house.once(act, _preferred(act, wanted), lambda told: told)


def _preferred(act: Act, wanted: Preference) -> Program[Preference]:
    yield from pushes.prefer(act.person_id, wanted, act.now)
    return (yield from pushes.preference_of(act.person_id))


async def preference(house: House, person_id: int) -> Preference:
    """What the person wants."""
    return await house.store.engine.read(pushes.preference_of(person_id))
