"""h2 as we need it: nothing of a request is checked twice, and what changes with each request is never indexed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hpack import Encoder

_SWEEP_EVERY: Final = 64


class Plain(Encoder):
    """Without Huffman codes: those of a device's token in Python cost more than the bytes they save."""

    def encode(self, headers: Iterable[Any], huffman: bool = False) -> bytes:  # noqa: FBT001, FBT002 - hpack's own
        """One block of headers."""
        return super().encode(headers, huffman)


class Client(H2Connection):
    """A client's side. The machine keeps the limit of streams; h2 would count them all at every request."""

    MAX_CLOSED_STREAMS = 4_096
    """How long h2 remembers how a stream ended. Only late frames of streams that we gave up ask for it."""

    _asked = 0

    @property
    def open_outbound_streams(self) -> int:
        """Counted, and swept of ended ones, now and then; in between it is less than any limit."""
        self._asked += 1
        return super().open_outbound_streams if self._asked % _SWEEP_EVERY == 0 else 0


def new_client(header_list_max: int) -> Client:
    """A connection before its preface: no server push, a limit for the headers of answers."""
    config = H2Configuration(
        client_side=True,
        header_encoding=None,
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        normalize_inbound_headers=False,
    )
    client = Client(config)
    client.encoder = Plain()
    client.decoder.max_header_list_size = header_list_max
    told = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: header_list_max}
    client.local_settings = Settings(client=True, initial_values=told)
    return client
