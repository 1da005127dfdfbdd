"""Cuts GOAWAY frames out of a stream of frames. Pure.

h2 ends a connection at a GOAWAY and refuses every frame behind it, also the answers to the streams that the peer said
it would still finish (RFC 9113 §6.8). So these frames never reach it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_HEAD: Final = 9
_GOAWAY: Final = 7
_FRAME_MAX: Final = 16_384
"""We never allow more: SETTINGS_MAX_FRAME_SIZE at its default."""


class Overlong(ValueError):
    """A frame that is longer than we allow; h2 would wait for up to 16 MiB before it says so. HTTP/1.1 looks like one."""


class Goaway(NamedTuple):
    """The peer leaves; streams above ``last_stream`` were not and will not be processed."""

    last_stream: int
    code: int
    debug: bytes


class Sieve:
    """Bytes in, cut anywhere; other bytes and GOAWAY frames out, in their order. Raises Overlong, and is of no use then."""

    __slots__ = ("_held", "_rest")

    def __init__(self) -> None:
        self._held = b""
        """The beginning of a frame's head, or of a GOAWAY."""
        self._rest = 0
        """Bytes of a frame's payload that are still to come."""

    def parts(self, data: bytes) -> list[bytes | Goaway]:
        """What came, and what was held."""
        if self._held:
            data, self._held = self._held + data, b""
        told: list[bytes | Goaway] = []
        start, at, size = 0, self._rest, len(data)
        while size - at >= _HEAD:
            length = int.from_bytes(data[at : at + 3], "big")
            if length > _FRAME_MAX:
                raise Overlong(f"a frame of {length} bytes")
            if data[at + 3] != _GOAWAY or length < 8:
                at += _HEAD + length
                continue
            if start < at:
                told.append(data[start:at])
            start, end = at, at + _HEAD + length
            if end > size:
                break
            told.append(_goaway(data[at + _HEAD : end]))
            start = at = end
        self._rest = max(0, at - size)
        if at < size:
            self._held = data[at:]
        if start < min(at, size):
            told.append(data[start:at])
        return told


def _goaway(payload: bytes) -> Goaway:
    last = int.from_bytes(payload[:4], "big") & 0x7FFF_FFFF
    return Goaway(last, int.from_bytes(payload[4:8], "big"), payload[8:])
