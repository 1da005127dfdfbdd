"""The words between Firefox and its push service: JSON in text frames, field ``messageType`` (webpush §5). Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from inbox_store.programs.push_service import Message
from push.app.webpush.subscription import base64url

UPDATES_MAX: Final = 1000

Uaid = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
Channel = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Version = Annotated[str, Meta(min_length=1, max_length=64)]
Key = Annotated[str, Meta(max_length=120)]


class Hello(msgspec.Struct, tag_field="messageType", tag="hello"):
    """The first word. ``uaid`` where the browser has one, from an earlier hello; what is none is as good as none."""

    uaid: str | None = ""
    use_webpush: bool = False


class Register(msgspec.Struct, tag_field="messageType", tag="register"):
    """A page subscribes."""

    channelID: Channel  # noqa: N815 - the protocol's name
    key: Key | None = None


class Unregister(msgspec.Struct, tag_field="messageType", tag="unregister"):
    """A page, or its user, no longer wants to be told."""

    channelID: Channel  # noqa: N815 - the protocol's name


class Update(msgspec.Struct):
    """What became of one message."""

    version: Version
    channelID: str = ""  # noqa: N815 - the protocol's name
    code: int = 100


class Ack(msgspec.Struct, tag_field="messageType", tag="ack"):
    """The browser has dealt with messages."""

    updates: Annotated[list[Update], Meta(max_length=UPDATES_MAX)]


class Nack(msgspec.Struct, tag_field="messageType", tag="nack"):
    """A message could not be handed on."""

    version: Version
    code: int = 0


class Ping(msgspec.Struct, tag_field="messageType", tag="ping"):
    """Is anybody there? Firefox sends it as ``{}``."""


class BroadcastSubscribe(msgspec.Struct, tag_field="messageType", tag="broadcast_subscribe"):
    """Mozilla's own broadcasts: we have none."""


Word = Hello | Register | Unregister | Ack | Nack | Ping | BroadcastSubscribe

_READER: Final[msgspec.json.Decoder[Word]] = msgspec.json.Decoder(Word)


class Unreadable(ValueError):
    """No word of the protocol."""


def read(text: str) -> Word:
    """A word of the browser. Raises Unreadable."""
    if text.strip() == "{}":
        return Ping()
    try:
        return _READER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as why:
        raise Unreadable(str(why)) from None


def _written(told: dict[str, Any]) -> str:
    return msgspec.json.encode(told).decode()


PONG: Final = "{}"


def hello(uaid: str) -> str:
    """Welcome. A uaid other than the browser's own makes it drop its subscriptions and subscribe anew."""
    return _written(
        {"messageType": "hello", "uaid": uaid, "status": 200, "use_webpush": True, "broadcasts": {}}
    )


def registered(channel: str, endpoint: str) -> str:
    """The page sees the endpoint."""
    return _written(
        {"messageType": "register", "channelID": channel, "status": 200, "pushEndpoint": endpoint}
    )


def not_registered(channel: str, status: int) -> str:
    """No: the page's ``subscribe()`` is rejected."""
    return _written({"messageType": "register", "channelID": channel, "status": status, "pushEndpoint": ""})


def unregistered(channel: str) -> str:
    """Forgotten."""
    return _written({"messageType": "unregister", "channelID": channel, "status": 200})


def notification(message: Message) -> str:
    """A message. Without a body the service worker gets an event without data."""
    told: dict[str, Any] = {
        "messageType": "notification",
        "channelID": message.channel,
        "version": message.id,
    }
    if message.body:
        told |= {"data": base64url(message.body), "headers": {"encoding": "aes128gcm"}}
    return _written(told)
