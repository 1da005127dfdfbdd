"""Routes of one's own devices and preferences: register, list, remove; what of alerts one wants."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.wire import Answer, Body
from gateway.flows import devices as flows
from gateway.flows.devices import LABEL_MAX, TOKEN_MAX, DeviceView, Wanted
from inbox_store.pushes import Preference
from push.app.sender import Vendor

Minute = Annotated[int, Meta(ge=0, lt=1440, description="一天中的分钟数，北京时间")]

routes = Routes("devices")


class NewDeviceBody(Body, frozen=True, kw_only=True):
    """登记一台设备：厂商，厂商给的设备标识（Web Push 为订阅的 JSON），名称"""

    vendor: Vendor
    token: Annotated[str, Meta(min_length=1, max_length=TOKEN_MAX, description="设备标识")]
    label: Annotated[str, Meta(max_length=LABEL_MAX, description="名称，如“办公手机”")] = ""


class Devices(Answer, frozen=True, kw_only=True):
    """本人的设备，和网页推送用的公钥（没有启用则为空）"""

    devices: tuple[DeviceView, ...]
    webpush_key: str


class PreferenceBody(Body, frozen=True, kw_only=True):
    """平件提醒的意愿；特急、特提和催办不受此限，不能关闭"""

    push_ordinary: Annotated[bool, Meta(description="接收平件推送")] = True
    sms_ordinary: Annotated[bool, Meta(description="未打开时接收平件短信")] = True
    digest_minutes: Annotated[int, Meta(ge=0, le=240, description="平件合并提醒的间隔，0 为不合并")] = 0
    quiet_from: Minute = 0
    quiet_to: Minute = 0


@routes.at(
    "GET",
    "/api/v1/devices",
    name="device.list",
    access="account.self",
    answer=Devices,
    zh="本人登记的设备",
    en="One's own devices",
)
async def listed(call: AppCall[None, None]) -> Devices:
    """One's devices."""
    found = await flows.mine(call.services.house, call.principal.person_id)
    return Devices(devices=found, webpush_key=call.services.push.webpush_key)


@routes.at(
    "POST",
    "/api/v1/devices",
    name="device.add",
    access="account.self",
    body=NewDeviceBody,
    answer=DeviceView,
    status=201,
    example=NewDeviceBody(vendor="huawei", token="IQAAAACy0a2xAAB", label="办公手机"),  # noqa: S106 - an example
    zh="登记一台设备，用于推送提醒",
    en="Register a device to be alerted",
    errors=("device_invalid",),
)
async def add(call: AppCall[NewDeviceBody, None]) -> Encoded:
    """A device asks to be alerted."""
    told = call.body
    wanted = Wanted(vendor=told.vendor, token=told.token, label=told.label)
    return encoded(
        await flows.register(call.services.house, act_of(call), wanted, call.services.push.fault_of)
    )


@routes.at(
    "DELETE",
    "/api/v1/devices/{device_id:int}",
    name="device.remove",
    access="account.self",
    status=204,
    zh="移除一台设备",
    en="Remove a device",
    errors=("not_found",),
)
async def remove(call: AppCall[None, None]) -> Encoded:
    """No more alerts to it."""
    device_id = call.path.number("device_id")
    return encoded(await flows.remove(call.services.house, act_of(call), device_id))


@routes.at(
    "GET",
    "/api/v1/preferences",
    name="preference.show",
    access="account.self",
    answer=Preference,
    zh="本人的提醒意愿",
    en="What one wants of ordinary alerts",
)
async def preference(call: AppCall[None, None]) -> Preference:
    """What one wants."""
    return await flows.preference(call.services.house, call.principal.person_id)


@routes.at(
    "PUT",
    "/api/v1/preferences",
    name="preference.set",
    access="account.self",
    body=PreferenceBody,
    answer=Preference,
    example=PreferenceBody(digest_minutes=30, quiet_from=1320, quiet_to=420),
    zh="设置提醒意愿；特急、特提和催办总会提醒",
    en="Say what one wants of ordinary alerts; extra urgent ones always come",
)
async def prefer(call: AppCall[PreferenceBody, None]) -> Encoded:
    """Keep what one wants."""
    told = call.body
    wanted = Preference(
        push_ordinary=told.push_ordinary,
        sms_ordinary=told.sms_ordinary,
        digest_minutes=told.digest_minutes,
        quiet_from=told.quiet_from,
        quiet_to=told.quiet_to,
    )
    return encoded(await flows.prefer(call.services.house, act_of(call), wanted))
