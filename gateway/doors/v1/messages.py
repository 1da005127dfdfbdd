"""Routes of short messages: where a document's stand, and how the channels do."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, cast

from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.shown import when
from gateway.doors.wire import Answer
from gateway.flows import tracking
from gateway.flows.words import yuan
from inbox_store.programs import sms_figures
from inbox_store.pushes import PushState

OrderState = Literal[
    "waiting",
    "sending",
    "accepted",
    "delivered",
    "failed",
    "in_doubt",
    "unreported",
    "expired",
    "suppressed",
    "cancelled",
]
STATE_ZH: Final[dict[OrderState, str]] = {
    "waiting": "待发",
    "sending": "发送中",
    "accepted": "已提交，待状态报告",
    "delivered": "已送达",
    "failed": "发送失败",
    "in_doubt": "存疑（未收到应答，暂不计费）",
    "unreported": "无状态报告",
    "expired": "过时未发",
    "suppressed": "停用未发",
    "cancelled": "已撤回未发",
}

routes = Routes("messages")


class MessageSum(Answer, frozen=True, kw_only=True):
    """处于一种状态的短信：人次和条数"""

    state: OrderState
    state_zh: str
    messages: int
    segments: int


class DocumentSms(Answer, frozen=True, kw_only=True):
    """一份文件的短信提醒：各状态合计，已计费条数和费用"""

    messages: int
    segments: int
    charged_segments: int
    amount_li: int
    amount_yuan: str
    sums: tuple[MessageSum, ...]


class ChannelState(Answer, frozen=True, kw_only=True):
    """一个短信通道：是否可用及原因，窗口余量，当前速率，发送中、存疑、待报告的条数"""

    name: str
    protocol: str
    carriers: tuple[str, ...]
    up: bool
    why: str
    note: str
    alarm: bool
    free: int
    window: int
    rate_per_s: float
    sending: int
    in_doubt: int
    unreported: int


class RouteBacklog(Answer, frozen=True, kw_only=True):
    """一个号段去向上待发的短信，最早应发时间"""

    carrier: str
    messages: int
    since: datetime | None


class Channels(Answer, frozen=True, kw_only=True):
    """短信通道现状"""

    channels: tuple[ChannelState, ...]
    waiting: tuple[RouteBacklog, ...]


@routes.at(
    "GET",
    "/api/v1/documents/{document_id:int}/sms",
    name="document.sms",
    access="dispatch.read",
    answer=DocumentSms,
    zh="一份文件的短信提醒：各状态条数和费用",
    en="Where a document's short messages stand, and their cost",
)
async def of_document(call: AppCall[None, None]) -> DocumentSms:
    """The messages of a document."""
    told = await tracking.messages(call.services.house, call.principal, call.path.number("document_id"))
    sums = tuple(
        MessageSum(state=state, state_zh=word, messages=told.states[state][0], segments=told.states[state][1])
        for state, word in STATE_ZH.items()
        if state in told.states
    )
    return DocumentSms(
        messages=sum(one.messages for one in sums),
        segments=sum(one.segments for one in sums),
        charged_segments=told.charged_segments,
        amount_li=told.amount_li,
        amount_yuan=yuan(told.amount_li),
        sums=sums,
    )


class AlertSum(Answer, frozen=True, kw_only=True):
    """处于一种状态的推送：设备数"""

    state: PushState
    devices: int


class DocumentAlerts(Answer, frozen=True, kw_only=True):
    """一份文件推送到手机和浏览器的情况：各状态设备数"""

    devices: int
    sums: tuple[AlertSum, ...]


@routes.at(
    "GET",
    "/api/v1/documents/{document_id:int}/alerts",
    name="document.alerts",
    access="dispatch.read",
    answer=DocumentAlerts,
    zh="一份文件的推送：各状态设备数",
    en="Where a document's alerts to devices stand",
)
async def alerts_of(call: AppCall[None, None]) -> DocumentAlerts:
    """The alerts of a document."""
    document_id = call.path.number("document_id")
    told = await tracking.alerts(call.services.house, call.principal, document_id)
    sums = tuple(AlertSum(state=state, devices=count) for state, count in sorted(told.items()))
    return DocumentAlerts(devices=sum(told.values()), sums=sums)


@routes.at(
    "GET",
    "/api/v1/sms/channels",
    name="sms.channels",
    access="metrics.read",
    answer=Channels,
    zh="短信通道现状：可用与否、窗口、速率、存疑和积压",
    en="How the channels of short messages do",
)
async def channels(call: AppCall[None, None]) -> Channels:
    """The channels as they do now."""
    told = await call.services.house.store.engine.read(sms_figures.backlog())
    found = []
    for one in call.services.sms.sendings.values():
        channel, state = one.channel, one.sender.state
        sending, in_doubt, unreported = told.open.get(channel.name, (0, 0, 0))
        found.append(
            ChannelState(
                name=channel.name,
                protocol=channel.protocol,
                carriers=cast("tuple[str, ...]", channel.carriers),
                up=state.up,
                why=state.why,
                note=state.note,
                alarm=state.alarm,
                free=one.room,
                window=channel.window * channel.connections,
                rate_per_s=channel.rate_per_s,
                sending=sending,
                in_doubt=in_doubt,
                unreported=unreported,
            )
        )
    waiting = tuple(
        RouteBacklog(carrier=route, messages=count, since=when(since))
        for route, (count, since) in told.waiting.items()
    )
    return Channels(channels=tuple(found), waiting=waiting)
