"""The rules of a live session as tables: who may say what when, what is a fault, what ends a session. Pure data."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from realtime.frames import Ack, AskCounts, ClientMessage, Error, Hello, Ping, pack

State = Literal["connecting", "greeted", "catching_up", "live", "closing"]
"""connecting: waits for the hello; greeted: its ticket is looked at; catching_up: reads what was missed;
live: nudges go straight through; closing: nothing is taken any more."""

ALLOWED: Final[dict[type[ClientMessage], frozenset[State]]] = {
    Hello: frozenset({"connecting"}),
    Ack: frozenset({"catching_up", "live"}),
    Ping: frozenset({"connecting", "greeted", "catching_up", "live"}),
    AskCounts: frozenset({"catching_up", "live"}),
}
"""In which states a client may say a word. Anything else is ``out_of_turn``."""

NORMAL: Final = 1000
UNSUPPORTED: Final = 1003
BAD_PAYLOAD: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
INTERNAL: Final = 1011
RESTART: Final = 1012
TOO_SLOW: Final = 1013
DENIED: Final = 4401
SILENT: Final = 4408
REPLACED: Final = 4409
FLOOD: Final = 4429

CLOSE_CODES: Final[dict[int, str]] = {
    NORMAL: "正常结束",
    UNSUPPORTED: "只接受文本帧",
    BAD_PAYLOAD: "不是 UTF-8 或不是 JSON",
    POLICY: "不合协议的消息",
    TOO_BIG: "帧超过 4 KiB",
    INTERNAL: "服务器读取失败，请重连续传",
    RESTART: "服务器正在重启，按 bye 提示的时间重连",
    TOO_SLOW: "接收过慢，请重连续传",
    DENIED: "凭证无效、过期或已撤销，换新凭证再连",
    SILENT: "未按时问候，或心跳中断",
    REPLACED: "同一人的连接过多，最早的一个让出",
    FLOOD: "心跳或空确认过于频繁",
}
"""Every code this server closes with (docs/live.md explains what a client does then)."""


class Fault(msgspec.Struct, frozen=True):
    """What the client is told, and the code it is closed with (None: it may go on, a few times)."""

    close: int | None
    zh: str
    en: str


FAULTS: Final[dict[str, Fault]] = {
    "bad_utf8": Fault(BAD_PAYLOAD, "消息不是有效的 UTF-8", "The message is not valid UTF-8"),
    "bad_json": Fault(BAD_PAYLOAD, "消息不是有效的 JSON", "The message is not valid JSON"),
    "bad_message": Fault(POLICY, "消息的字段不合规定", "A field of the message is not as specified"),
    "unknown_type": Fault(None, "不认识这种消息，已忽略", "This type of message is unknown and was ignored"),
    "binary": Fault(UNSUPPORTED, "只接受文本帧", "Only text frames are taken"),
    "frame_too_big": Fault(TOO_BIG, "消息超过 4 KiB", "The message is larger than 4 KiB"),
    "out_of_turn": Fault(POLICY, "现在不能发送这种消息", "This message may not be sent now"),
    "no_credential": Fault(
        POLICY, "问候中须有 ticket 或 token 之一", "The hello needs either ticket or token"
    ),
    "ack_ahead": Fault(POLICY, "确认的位置超过已发送的位置", "The ack is above what was sent"),
    "flood": Fault(FLOOD, "消息过于频繁", "Too many messages"),
    "denied": Fault(DENIED, "凭证无效或已使用", "The credential is not valid or was used before"),
    "revoked": Fault(DENIED, "登录已失效", "The log-in is no longer valid"),
    "hello_timeout": Fault(SILENT, "未按时发送问候", "No hello came in time"),
    "silent": Fault(SILENT, "心跳中断", "The heartbeat was lost"),
    "read_failed": Fault(INTERNAL, "读取收件箱失败，请重连", "The inbox could not be read; reconnect"),
    "too_slow": Fault(TOO_SLOW, "接收过慢，请重连续传", "Reading too slowly; reconnect and resume"),
}


class SessionRules(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one session; times in seconds on a clock that never jumps."""

    hello_timeout_s: float = 10
    """From the open socket to the hello, and again from the hello to the answer about its ticket."""

    heartbeat_s: float = 30
    """The client is pinged when nothing was heard from it for so long."""

    silence_max_s: float = 75
    """Two heartbeats and a half without a byte: the line is dead (faults.md 21)."""

    recheck_s: float = 60
    """How often a standing session's token is asked about again."""

    recheck_failures_max: int = 3
    """So many times in a row the question may fail before the session is closed: not knowing is not a yes."""

    idle_words_burst: int = 20
    """Pings, repeated acks, unknown words and questions that a client may send at once ..."""

    idle_words_per_s: float = 1
    """... and how many of them come back each second. Acks that move forward are free: we sent what they answer."""

    page_items: int = 200
    """Entries asked for in one page of the catch-up."""

    kept_max: int = 256
    """Deliveries kept while catching up; above it they are dropped and the catch-up reads once more."""


ERRORS: Final = {code: pack(Error(code=code, zh=fault.zh, en=fault.en)) for code, fault in FAULTS.items()}
"""The error frame of each fault."""
