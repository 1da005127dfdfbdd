"""The settings of alerts to phones and browsers, and of the message that follows where nobody opens."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from config import checks
from config.section import Key, Section


class Push(Section, frozen=True, kw_only=True):
    """手机推送 · alerts to phones and browsers"""

    accounts_file: Annotated[
        str,
        Key(
            "各厂商推送账号表（TOML，每个厂商一个 [[account]]，说明见 docs/push）；留空则不用厂商推送",
            "Accounts with the vendors, a table [[account]] each (see docs/push); empty: none",
            path=True,
        ),
    ] = ""
    contact: Annotated[
        str,
        Key(
            "网页推送的联系方式，mailto: 或 https: 开头；留空则不用网页推送",
            "Whom push services may write to (mailto: or https:); empty: no Web Push",
            check=checks.contact,
        ),
    ] = ""
    receipts: Annotated[
        bool,
        Key(
            "向小米、OPPO、vivo、荣耀索取送达回执；本系统地址须能从互联网访问",
            "Ask Xiaomi, OPPO, vivo and Honor for receipts; they must be able to reach server.public_url",
        ),
    ] = False
    own_service: Annotated[
        bool,
        Key(
            "自建推送服务，供内网浏览器（如 Firefox 设 dom.push.serverURL）使用；须填写 contact",
            "Be a push service ourselves, for browsers of an intranet (dom.push.serverURL); needs contact",
        ),
    ] = False
    own_hosts: Annotated[
        tuple[str, ...],
        Key("内网推送服务的主机名；只有这些可以在内网", "Hosts of push services within the intranet"),
    ] = ()
    own_networks: Annotated[
        tuple[str, ...],
        Key("内网推送服务所在网段", "Their networks", check=checks.network),
    ] = ()
    quiet_hours: Annotated[
        str,
        Key(
            "推送免打扰时段，特急、特提除外；留空为不限",
            "No alerts then but extra urgent ones",
            check=checks.quiet,
        ),
    ] = "22:00-07:00"
    ack_grace_s: Annotated[
        int,
        Meta(ge=0, le=600),
        Key(
            "在线的人多久没有收妥才推送",
            "How long a live client has to take the entry before the push",
            "秒 seconds",
        ),
    ] = 10
    sms_after: Annotated[
        tuple[str, ...],
        Key(
            "多少分钟没有打开就再发短信（紧急程度=分钟），未列出的不发",
            "Minutes without an opening after which a message follows, as urgency=minutes; others get none",
            check=checks.after,
        ),
    ] = ()
