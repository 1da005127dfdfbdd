"""The bytes of an SMTP session: lines that end as they must, and the content up to its one true end. Pure.

SMTP smuggling lives on servers that disagree about where a mail ends. Here there is one end, CRLF.CRLF, and a CR or LF alone
is refused wherever it stands, so that no server behind or before us can see another one (RFC 5321 §2.3.8).
"""

from __future__ import annotations

from typing import Final

_END: Final = b"\r\n.\r\n"


class Lines:
    """Whether everything heard so far ends its lines with CRLF and with nothing else."""

    def __init__(self) -> None:
        self._open = False

    def sound(self, data: bytes) -> bool:
        """Whether ``data`` goes on as it must; a CR at its end waits for the LF that has to follow."""
        if not data:
            return True
        told = b"\r" + data if self._open else data
        self._open = told.endswith(b"\r")
        whole = told.count(b"\r\n")
        return told.count(b"\n") == whole and told.count(b"\r") - self._open == whole


class Content:
    """What follows DATA: fed block by block until its end is found. Beyond ``size_max`` bytes nothing more is kept."""

    def __init__(self, size_max: int) -> None:
        # As if a line had just ended: a mail may consist of the final dot alone.
        self._held = bytearray(b"\r\n")
        self._size_max = size_max
        self._size = 0
        self.too_large = False
        self.rest = b""
        """What came behind the end: the next commands."""

    @property
    def held(self) -> int:
        """Bytes kept in memory."""
        return len(self._held)

    def give_up(self) -> None:
        """Keep nothing from here on, only look for the end."""
        self.too_large = True
        del self._held[: -len(_END) + 1]

    def feed(self, block: bytes) -> bool:
        """Take a block; returns whether the end was found."""
        start = max(0, len(self._held) - len(_END) + 1)
        self._held += block
        self._size += len(block)
        end = self._held.find(_END, start)
        if end >= 0:
            self.rest = bytes(self._held[end + len(_END) :])
            del self._held[end + 2 :]
            self._size -= len(self.rest) + 3
        if self._size > self._size_max or self.too_large:
            self.give_up()
        return end >= 0

    def whole(self) -> bytes:
        """The content with its doubled dots single again (RFC 5321 §4.5.2)."""
        return bytes(self._held).replace(b"\r\n.", b"\r\n")[2:]
