"""Every kind of channel by its protocol's name: from an annotated table of the settings to a sender.

Adding a channel is a folder in ``push/sms`` with a ``Sender``, and a line here.
"""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Callable
from typing import Final

from config.channels import Channel, Protocol
from push.sms.bucket import Pace
from push.sms.carrier import ClientDialect, Hello
from push.sms.carrier_sender import CarrierSender, Door
from push.sms.cmpp import CmppAccount, CmppClient
from push.sms.cmpp.account import Version as CmppVersion
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.listener import Caller, Listener, ListenerHandlers, ListenerLimits
from push.sms.ports import Address, Handlers, LinkLimits
from push.sms.sample_http import HttpAccount, HttpLimits, HttpSender
from push.sms.sender import Sender
from push.sms.sgip import SgipAccount, SgipClient, SgipListener
from push.sms.smgp import SmgpAccount, SmgpClient
from push.sms.smpp import SmppAccount, SmppClient
from push.sms.text import SEGMENTS_MAX, Rules

Make = Callable[[Channel, str, str, Handlers], Sender]
"""From a channel, its secret, the signature of this house and what is to hear of it. Raises ValueError naming the key."""

_SGIP_REFUSED: Final = 1


def _cmpp(version: CmppVersion) -> Make:
    def make(channel: Channel, secret: str, signature: str, handlers: Handlers) -> Sender:
        account = CmppAccount(
            sp_id=channel.account,
            secret=secret,
            version=version,
            service_id=channel.service_id,
            number_prefix=channel.number_prefix,
        )
        return CarrierSender(
            _link(channel, lambda _lane, _lanes: CmppClient(account), handlers), rules_of(channel, signature)
        )

    return make


def _smgp(channel: Channel, secret: str, signature: str, handlers: Handlers) -> Sender:
    account = SmgpAccount(
        client_id=channel.account,
        secret=secret,
        service_id=channel.service_id,
        number_prefix=channel.number_prefix,
    )
    return CarrierSender(
        _link(channel, lambda _lane, _lanes: SmgpClient(account), handlers), rules_of(channel, signature)
    )


def _smpp(channel: Channel, secret: str, signature: str, handlers: Handlers) -> Sender:
    account = SmppAccount(
        system_id=channel.account,
        password=secret,
        service_type=channel.service_id,
        prefix=channel.number_prefix.removeprefix("+"),
    )
    return CarrierSender(
        _link(channel, lambda _lane, _lanes: SmppClient(account), handlers), rules_of(channel, signature)
    )


def _sgip(channel: Channel, secret: str, signature: str, handlers: Handlers) -> Sender:
    account = SgipAccount(
        node=channel.node,
        corp_id=channel.corp_id,
        login_name=channel.account,
        login_password=secret,
        sp_number=channel.source,
        service_type=channel.service_id,
    )
    link = _link(channel, lambda lane, lanes: SgipClient(account, lane, lanes), handlers)
    return CarrierSender(link, rules_of(channel, signature), _sgip_door(channel, secret, handlers))


def _http(channel: Channel, secret: str, signature: str, handlers: Handlers) -> Sender:
    account = HttpAccount(
        account=channel.account, secret=secret, url=channel.url, rules=rules_of(channel, signature)
    )
    limits = HttpLimits(window=channel.window * channel.connections, pace=Pace(rate_per_s=channel.rate_per_s))
    return HttpSender(channel.name, account, limits, changed=handlers.changed)


def _sgip_door(channel: Channel, secret: str, handlers: Handlers) -> Door | None:
    """The gateway's own connection to us: the name and the secret agreed on, from its networks."""
    if not channel.listen_port:
        return None
    name = channel.listen_account or channel.account

    def admit(caller: Caller, hello: Hello) -> tuple[int, str]:
        known = hmac.compare_digest(hello.account.encode(), name.encode())
        ok = caller.session.permits(hello, secret) and known
        return (0 if ok else _SGIP_REFUSED), secret

    limits = ListenerLimits(networks=channel.listen_networks)
    listener = Listener(lambda: SgipListener(channel.node), ListenerHandlers(admit, handlers.inbound), limits)
    return Door(listener, channel.listen_host, channel.listen_port)


def _link(channel: Channel, dialects: Callable[[int, int], ClientDialect], handlers: Handlers) -> ChannelLink:
    tls = ssl.create_default_context() if channel.tls else None
    limits = LinkLimits(
        session=SessionRules(window=channel.window),
        connections=channel.connections,
        pace=Pace(rate_per_s=channel.rate_per_s),
    )
    return ChannelLink(channel.name, dialects, Address(channel.host, channel.to_port, tls), limits, handlers)


def rules_of(channel: Channel, signature: str, segments_max: int = SEGMENTS_MAX) -> Rules:
    """How the channel counts and cuts; ``signature`` is that of this house."""
    return Rules(
        strategy=channel.counting,
        added_signature=signature if channel.adds_signature else "",
        header_size=channel.header_bytes,
        segments_max=segments_max,
    )


SENDERS: Final[dict[Protocol, Make]] = {
    "cmpp2": _cmpp(0x20),
    "cmpp3": _cmpp(0x30),
    "sgip": _sgip,
    "smgp": _smgp,
    "smpp": _smpp,
    "http": _http,
}


def sender_of(channel: Channel, secret: str, signature: str, handlers: Handlers) -> Sender:
    """The sender of a channel. Raises ValueError naming channel and key."""
    try:
        return SENDERS[channel.protocol](channel, secret, signature, handlers)
    except ValueError as fault:
        raise ValueError(f"{channel.name}：{fault}") from fault
