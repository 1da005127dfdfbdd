"""The parts of long replies from phones: kept as they come, until their message is whole or given up (sms-text §3)."""

from __future__ import annotations

from collections.abc import Sequence

from inbox_store.engine import Program, Sql
from inbox_store.keys import PhoneVault
from inbox_store.nouns import Noun


class NewPart(Noun, frozen=True, kw_only=True):
    """A part of a long reply as it came. ``received_at`` in UTC microseconds."""

    channel: str
    number: str
    source: str
    content: bytes
    coding: str
    header: bool
    received_at: int


class StoredPart(Noun, frozen=True, kw_only=True):
    """A part whose message was not taken yet."""

    id: int
    channel: str
    number: str
    source: str
    content: bytes
    coding: str
    header: bool
    received_at: int


def keep_parts(parts: Sequence[NewPart], vault: PhoneVault) -> Program[list[int | None]]:
    """Keep the parts; gives each one's row, None for one that is known: the carrier sent it again."""
    kept: list[int | None] = []
    for part in parts:
        plain = {name: getattr(part, name) for name in ("channel", "source", "content", "coding")}
        told = {**plain, **phone_columns(part.number, vault), "header": int(part.header)}
        rows = yield Sql("reply_part_keep", {**told, "received_at": part.received_at})
        kept.append(rows[0][0] if rows else None)
    return kept


def waiting_parts(vault: PhoneVault) -> Program[list[StoredPart]]:
    """What was kept and not taken, in the order in which it came: after a restart it is put together anew."""
    found = []
    for part_id, channel, sealed, key, *told, header, at in (yield Sql("reply_parts_waiting")):
        number, (source, content, coding) = vault.open(sealed, key), told
        found.append(
            StoredPart(
                id=part_id,
                channel=channel,
                number=number,
                source=source,
                content=content,
                coding=coding,
                header=bool(header),
                received_at=at,
            )
        )
    return found


def forget_parts(before: int) -> Program[None]:
    """Drop parts whose message was taken before ``before``: by then no carrier sends them again."""
    yield Sql("reply_parts_forget", {"before": before})


def phone_columns(number: str, vault: PhoneVault) -> dict[str, object]:
    """A number as a row keeps it."""
    return {
        "phone_lookup": vault.lookup(number),
        "phone_sealed": vault.seal(number),
        "phone_key": vault.current,
    }
