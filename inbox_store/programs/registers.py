"""Dated registers: saved scopes, exempt kinds, brief series, uploaded attachments."""

from __future__ import annotations

import json
from collections.abc import Iterable

from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun


class SavedScope(Noun, frozen=True, kw_only=True):
    """A scope kept under a name by a unit; ``scope`` is the rule as JSON."""

    id: int
    unit_id: int
    name: str
    scope: str
    created_at: int


class Exemption(Noun, frozen=True, kw_only=True):
    """A kind of paper that does not run on the platform, with its basis; days are yyyymmdd (J26)."""

    id: int
    kind: str
    basis: str
    from_day: int
    to_day: int | None


class Series(Noun, frozen=True, kw_only=True):
    """A unit's registered series of briefs (X20); days are yyyymmdd."""

    id: int
    unit_id: int
    name: str
    from_day: int
    to_day: int | None


class Upload(Noun, frozen=True, kw_only=True):
    """An attachment as it was received: its generated id, the name it came with, what it is."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: bytes


def save_scope(unit_id: int, name: str, scope: str, actor: int, now: int) -> Program[int]:
    """Keep a scope under a name; the same name again replaces it."""
    row = {"unit_id": unit_id, "name": name, "scope": scope, "created_by": actor, "created_at": now}
    ((scope_id,),) = yield Sql("scope_save", row)
    yield Audit(action="scope.save", actor=actor, subject=f"unit:{unit_id}", detail={"name": name})
    return int(scope_id)


def scopes_of(units: Iterable[int]) -> Program[tuple[SavedScope, ...]]:
    """The saved scopes of the units."""
    rows = yield Sql("scopes_of", {"units": json.dumps(list(units))})
    return tuple(SavedScope(**dict(zip(SavedScope.__struct_fields__, row, strict=True))) for row in rows)


def drop_scope(scope_id: int, actor: int) -> Program[None]:
    """Forget a saved scope; dispatches keep their own expansion."""
    yield Sql("scope_drop", {"id": scope_id})
    yield Audit(action="scope.drop", actor=actor, subject=f"scope:{scope_id}")


def scope_one(scope_id: int) -> Program[SavedScope]:
    """One saved scope. Raises Refused("not_found")."""
    rows = yield Sql("scope_one", {"id": scope_id})
    if not rows:
        raise Refused("not_found", what="scope", id=scope_id)
    return SavedScope(**dict(zip(SavedScope.__struct_fields__, rows[0], strict=True)))


def add_exemption(
    kind: str, basis: str, from_day: int, to_day: int | None, actor: int, now: int
) -> Program[int]:
    """Register a kind of paper that is exempt from the platform, from a day on."""
    row = {
        "kind": kind,
        "basis": basis,
        "from_day": from_day,
        "to_day": to_day,
        "created_by": actor,
        "created_at": now,
    }
    ((exemption_id,),) = yield Sql("exemption_add", row)
    detail = {"kind": kind, "basis": basis, "from_day": from_day, "to_day": to_day}
    yield Audit(action="exemption.add", actor=actor, subject=f"exemption:{exemption_id}", detail=detail)
    return int(exemption_id)


def exemptions() -> Program[tuple[Exemption, ...]]:
    """The whole register."""
    rows = yield Sql("exemptions_all")
    return tuple(Exemption(**dict(zip(Exemption.__struct_fields__, row, strict=True))) for row in rows)


def add_series(
    unit_id: int, name: str, from_day: int, to_day: int | None, actor: int, now: int
) -> Program[int]:
    """Register a series of briefs for a unit; only registered series may be sent."""
    row = {
        "unit_id": unit_id,
        "name": name,
        "from_day": from_day,
        "to_day": to_day,
        "created_by": actor,
        "created_at": now,
    }
    ((series_id,),) = yield Sql("series_add", row)
    detail = {"name": name, "from_day": from_day, "to_day": to_day}
    yield Audit(action="series.add", actor=actor, subject=f"unit:{unit_id}", detail=detail)
    return int(series_id)


def series() -> Program[tuple[Series, ...]]:
    """All registered series of briefs."""
    rows = yield Sql("series_all")
    return tuple(Series(**dict(zip(Series.__struct_fields__, row, strict=True))) for row in rows)


def keep_upload(upload: Upload, actor: int, now: int) -> Program[None]:
    """An attachment has been received whole; it waits for its document."""
    row = {
        "id": upload.id,
        "name": upload.name,
        "media_type": upload.media_type,
        "size_bytes": upload.size_bytes,
    }
    yield Sql("attachment_add", {**row, "sha256": upload.sha256, "uploaded_by": actor, "uploaded_at": now})
    detail = {"size_bytes": upload.size_bytes, "sha256": upload.sha256.hex()}
    yield Audit(action="attachment.upload", actor=actor, subject=f"attachment:{upload.id}", detail=detail)
