"""The channels of short messages: one table ``[[channel]]`` for each account with a carrier, in a file of its own.

    [[channel]]
    name = "mobile"
    protocol = "cmpp3"
    host = "10.1.2.3"
    account = "901234"
    source = "106575000933"
    carriers = ["mobile"]

The secret of a channel stands in ``<keys>/sms-<name>.secret`` (mode 600), never here.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from config.checks import placeholder
from config.toml_text import parse

Protocol = Literal["cmpp2", "cmpp3", "sgip", "smgp", "smpp", "http"]
Carrier = Literal["mobile", "unicom", "telecom", "broadnet"]

PORTS: Final[dict[Protocol, int]] = {
    "cmpp2": 7890,
    "cmpp3": 7890,
    "sgip": 8801,
    "smgp": 8890,
    "smpp": 2775,
    "http": 443,
}
"""Where gateways listen unless the contract says otherwise."""

SECRET_MAX_BYTES: Final = 256


class Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account with a carrier or an aggregator, as the contract has it."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
    """Stands in every attempt and charge: never give another account a name that was used."""
    protocol: Protocol
    host: str = ""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """0: the protocol's usual one."""
    tls: bool = False
    url: str = ""
    """Where an aggregator takes messages (http only)."""
    account: Annotated[str, Meta(min_length=1, max_length=16)]
    """SP code, client id, system id or log-in name."""
    source: Annotated[str, Meta(pattern=r"^\d{3,20}$")]
    """The access number that phones show."""
    extension_digits: Annotated[int, Meta(ge=0, le=6)] = 0
    """Digits behind the access number by which a reply finds its question; 0 where the contract has none."""
    carriers: Annotated[tuple[Carrier, ...], Meta(min_length=1)]
    """Whose numbers it serves."""
    weight: Annotated[int, Meta(ge=0, le=100)] = 10
    """Its share where several serve a carrier; 0: only while no other can be used."""
    rate_per_s: Annotated[float, Meta(gt=0, le=10_000)] = 100
    """Segments a second by contract."""
    window: Annotated[int, Meta(ge=1, le=256)] = 16
    """Submits without an answer, on each connection."""
    connections: Annotated[int, Meta(ge=1, le=16)] = 1
    day_segments: Annotated[int, Meta(ge=0)] = 0
    """Segments a day by contract; 0: not limited."""
    adds_signature: bool = False
    """The gateway puts the signature in front itself: it is counted, and not sent."""
    counting: Literal["mainland", "gsm"] = "mainland"
    header_bytes: Literal[6, 7] = 6
    service_id: str = ""
    """Business code given by the carrier."""
    number_prefix: Literal["", "86", "+86"] = ""
    node: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] = 0
    """SGIP: our node number 3AAAAQQQQQ."""
    corp_id: Annotated[str, Meta(max_length=5)] = ""
    """SGIP: the enterprise code."""
    listen_host: str = "0.0.0.0"  # noqa: S104 - the carrier connects to it; listen_networks says from where
    listen_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """SGIP: where the gateway brings reports and replies; 0: nowhere, none will come."""
    listen_account: str = ""
    """SGIP: the name the gateway logs in with; empty: like ``account``. It shows the same secret."""
    listen_networks: tuple[str, ...] = ()

    @property
    def to_port(self) -> int:
        """The port to connect to."""
        return self.port or PORTS[self.protocol]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channel: tuple[dict[str, object], ...] = ()


def read_channels(text: str) -> tuple[Channel, ...]:
    """The channels of a TOML text. Raises ValueError naming the table, the key and what is expected."""
    try:
        told = msgspec.convert(parse(text), _File)
    except RecursionError:
        raise ValueError("嵌套过深") from None
    except msgspec.ValidationError as fault:
        raise ValueError(f"应由若干 [[channel]] 表组成：{fault}") from None
    channels = tuple(_channel(row, number) for number, row in enumerate(told.channel, 1))
    names = [one.name for one in channels]
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            raise ValueError(f"第 {number} 个 [[channel]]：name “{name}”已被前面的通道使用")
    return channels


def _channel(row: dict[str, object], number: int) -> Channel:
    place = f"第 {number} 个 [[channel]]"
    try:
        channel = msgspec.convert(row, Channel)
    except msgspec.ValidationError as fault:
        raise ValueError(f"{place}：{fault}") from None
    for key, value in row.items():
        if isinstance(value, str) and (reason := placeholder(value)):
            raise ValueError(f"{place}：{key}：{reason}")
    if reason := _missing(channel):
        raise ValueError(f"{place}（{channel.name}）：{reason}")
    return channel


def _missing(channel: Channel) -> str:
    if channel.protocol == "http":
        return "" if channel.url.startswith(("https://", "http://")) else "url：http 通道须填写接入地址"
    if not channel.host:
        return "host：须填写运营商网关地址"
    if channel.protocol == "sgip" and not (channel.node and channel.corp_id):
        return "node、corp_id：SGIP 须填写节点号和企业代码"
    if channel.protocol.startswith("cmpp") and len(channel.account) != 6:
        return "account：CMPP 的企业代码（SP_Id）须为 6 位"
    return ""


def secret_of(channel: Channel, keys: Path) -> str:
    """The channel's secret from its file. Raises ValueError saying how to make the file."""
    secret = secret_text(keys / f"sms-{channel.name}.secret", channel.name, SECRET_MAX_BYTES)
    if not secret.isprintable():
        raise ValueError(f"{channel.name}：密钥文件应为一行 ASCII 口令")
    return secret


def secret_text(path: Path, name: str, bytes_max: int) -> str:
    """The text of a secret's file, its ends cut. Raises ValueError saying how to make the file; never shows the secret."""
    try:
        mode, told = path.stat().st_mode, path.read_bytes()
    except OSError:
        raise ValueError(f"{name}：没有密钥文件 {path}；把对方给的口令或密钥写入其中，并 chmod 600") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError(f"{name}：密钥文件 {path} 对他人开放；请执行 chmod 600")
    secret = told[: bytes_max + 1].decode("ascii", "replace").strip()
    if not secret or len(secret) > bytes_max or not secret.isascii():
        raise ValueError(f"{name}：密钥文件 {path} 应为一行 ASCII 口令，或厂商给的密钥文件")
    return secret
