"""The header that CMPP and SMGP share: total length, command and sequence, four bytes each, and all that follows from it."""

from __future__ import annotations

from struct import Struct
from typing import ClassVar, Final

from push.sms.carrier import Dialect, Malformed

HEAD: Final = Struct("!III")
LENGTH_MAX: Final = 4096


class ShortHeader(Dialect):
    """What both ends of such a protocol share; ``PROBE`` and ``END`` are its commands for heartbeat and orderly end."""

    PROBE: ClassVar[int]
    END: ClassVar[int]

    header_bytes = HEAD.size
    length_max = LENGTH_MAX
    probes = True

    def first_sequence(self, now: int) -> int:  # noqa: ARG002 - SGIP's holds the time
        """1, as most peers begin; any other is read too."""
        return 1

    def next_sequence(self, before: int, now: int) -> int:  # noqa: ARG002 - likewise
        """One more; 32 bits, wraps to 0."""
        return before + 1 & 0xFFFFFFFF

    def probe(self, sequence: int) -> bytes:
        """ACTIVE_TEST."""
        return HEAD.pack(HEAD.size, self.PROBE, sequence)

    def goodbye(self, sequence: int) -> bytes:
        """TERMINATE or EXIT."""
        return HEAD.pack(HEAD.size, self.END, sequence)

    def head_of(self, frame: bytes) -> tuple[int, int]:
        """Command and sequence of one whole PDU. Raises Malformed where its length is not what it says."""
        if len(frame) < HEAD.size:
            raise Malformed(f"{self.name}: {len(frame)} bytes are no header")
        length, command, sequence = HEAD.unpack_from(frame)
        if length != len(frame):
            raise Malformed(f"{self.name}: a PDU of {len(frame)} bytes that says {length}")
        return command, sequence
