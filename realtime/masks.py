"""Client frames must be masked (RFC 6455 §5.1). The library reads those without a mask too, so they are caught before it.

The mask is there for proxies on the way that would take a browser's bytes for requests of their own; a client that
leaves it out is no websocket client. Pure: bytes go in, and go on.
"""

from __future__ import annotations

from typing import Final, Protocol

_MASK: Final = 0x80
_LENGTH: Final = 0x7F
_SHORT_MAX: Final = 125
_EXTENDED: Final = {126: 2, 127: 8}
"""Bytes that the length takes after the first two, by the value in its seven bits (§5.2)."""

REFUSED: Final = b"\xf0\x80"
"""A head with every reserved bit set: what the reader behind us closes with 1002, as it would have for a missing mask."""

Fed = tuple[bool, bytes]


class Reader(Protocol):
    """What turns bytes into frames."""

    def feed_data(self, data: bytes) -> Fed:
        """Take what came: whether the stream is over, and what was not taken."""
        ...

    def feed_eof(self) -> None:
        """Nothing more comes."""
        ...


class MaskedOnly:
    """Passes a client's bytes on to ``reader`` up to the first frame without a mask, and ``REFUSED`` in its place.

    Keeps at most the head of one frame back.
    """

    __slots__ = ("_head", "_left", "_reader", "_refused")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._head = b""
        self._left = 0
        self._refused = False

    def feed_eof(self) -> None:
        """Nothing more comes."""
        self._reader.feed_eof()

    def feed_data(self, data: bytes) -> Fed:
        """Take what came from the socket."""
        # Nearly always it is one short frame, whole: paid for every ack of a city.
        if not (self._left or self._head or self._refused) and len(data) > 1:
            second = data[1]
            if second & _MASK and (second & _LENGTH) <= _SHORT_MAX and len(data) == 6 + (second & _LENGTH):
                return self._reader.feed_data(data)
        return self._reader.feed_data(self._passed(data))

    def _passed(self, data: bytes) -> bytes:
        """As much as may go on now."""
        if self._refused:
            return b""
        data, self._head = self._head + data, b""
        at = self._left
        while at < len(data):
            size = _frame_bytes(data, at)
            if size == 0:
                self._refused = True
                return data[:at] + REFUSED
            if size is None:
                self._left, self._head = 0, data[at:]
                return data[:at]
            at += size
        self._left = at - len(data)
        return data


def _frame_bytes(data: bytes, at: int) -> int | None:
    """The size of the frame that begins there, head included; None: its head is not whole yet, 0: it has no mask."""
    if len(data) < at + 2:
        return None
    second = data[at + 1]
    if not second & _MASK:
        return 0
    length = second & _LENGTH
    extended = _EXTENDED.get(length, 0)
    if len(data) < at + 2 + extended:
        return None
    if extended:
        length = int.from_bytes(data[at + 2 : at + 2 + extended], "big")
    return 2 + extended + 4 + length
