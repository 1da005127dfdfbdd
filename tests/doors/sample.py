"""A small application on the kit: notes and files, with everything a route can declare."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.doors.call import Call, Check, Encoded, Limits
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.downloads import download
from gateway.doors.routes import PUBLIC, Raw, Routes
from gateway.doors.sniffing import MEDIA_TYPES
from gateway.doors.uploads import AttachmentFolder, Received
from gateway.doors.wire import Answer, Body, Id, When, encode, instant, shown
from gateway.rules.access import Grant, Principal
from inbox_store.errors import Refused
from inbox_store.times import US, Clock

NOW = 1_770_000_000 * US
CLERK = "clerk-token"
STAFF = "staff-token"
KEY = "partner-key"

B = TypeVar("B")
Q = TypeVar("Q")


class SampleDoor:
    """Knows one clerk, one member of staff and one key; remembers when and from where it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []

    async def principal_of_bearer(self, token: str, *, now: int, origin: str) -> Principal:
        """The clerk, the member of staff, or a refusal."""
        self.asked.append((now, origin))
        role = {CLERK: "clerk", STAFF: "staff"}.get(token)
        if role is None:
            raise Refused("token_invalid", fault="signature")
        return msgspec.convert(
            {
                "person_id": 7,
                "account_id": 9,
                "name": "王某",
                "grants": [{"role": role, "scope": "unit", "unit_id": 3, "county_id": 1}],
            },
            Principal,
        )

    async def principal_of_api_key(self, key: str, *, now: int, origin: str) -> Principal:
        """A key that may submit."""
        self.asked.append((now, origin))
        if key != KEY:
            raise Refused("token_invalid", fault="key")
        grant = Grant(role="clerk", scope="unit", unit_id=3, county_id=1)
        return Principal(
            person_id=8,
            account_id=0,
            name="外部系统",
            grants=frozenset({grant}),
            kind="api_key",
            actions=frozenset({"dispatch.submit", "document.read"}),
        )


@dataclass(kw_only=True)
class SampleServices:
    """What the handlers reach: notes in memory, files on the disk, answers kept by key."""

    files: AttachmentFolder
    door: SampleDoor = field(default_factory=SampleDoor)
    clock: Clock = lambda: NOW
    limits: Limits = field(default_factory=Limits)
    checks: Mapping[str, Check] = field(default_factory=dict)
    notes: dict[int, Note] = field(default_factory=dict)
    received: dict[str, Received] = field(default_factory=dict)
    answers: dict[str, tuple[bytes, Encoded]] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


SampleCall = Call[SampleServices, B, Q]


class NewTarget(Body, frozen=True, kw_only=True):
    """收件单位"""

    unit_id: Id
    role: Literal["to", "cc"] = "to"


class NewNote(Body, frozen=True, kw_only=True):
    """新增便笺的内容"""

    title: Annotated[str, Meta(min_length=1, max_length=40, description="标题")]
    targets: Annotated[tuple[NewTarget, ...], Meta(max_length=50, description="收件单位")] = ()
    due: When | None = None
    extra: dict[str, int] = {}


class Note(Answer, frozen=True, kw_only=True):
    """一张便笺"""

    id: Id
    title: str
    created: When


class NoteQuery(PageQuery, frozen=True, kw_only=True):
    """便笺列表的条件"""

    text: Annotated[str, Meta(max_length=20, description="标题中的字")] | None = None
    since: date | None = None
    unit: tuple[Id, ...] = ()


class After(msgspec.Struct, frozen=True):
    """Where a page of notes begins."""

    note_id: int


class FileName(Body, frozen=True, kw_only=True):
    """上传附件的参数"""

    name: Annotated[str, Meta(min_length=1, max_length=300, description="文件名")]


NOTES = Cursor("note.list", After)

routes = Routes("notes")


@routes.at(
    "POST",
    "/api/v1/notes",
    name="note.add",
    access="dispatch.submit",
    body=NewNote,
    answer=Note,
    status=201,
    zh="新增便笺",
    en="Add a note",
    example=NewNote(title="值班安排", targets=(NewTarget(unit_id=3),)),
    errors=("scope_empty",),
)
async def add_note(call: SampleCall[NewNote, None]) -> Encoded:
    """Adds once for each key."""
    call.services.devices.append(call.device)
    kept = call.services.answers.get(call.idempotency.key)
    if kept:
        if kept[0] != call.idempotency.body_hash:
            raise Refused("idempotency_mismatch")
        return msgspec.structs.replace(kept[1], replayed=True)
    at = instant(call.body.due) if call.body.due else call.now
    note = Note(id=len(call.services.notes) + 1, title=call.body.title, created=shown(at))
    call.services.notes[note.id] = note
    answer = Encoded(status=201, body=encode(note))
    call.services.answers[call.idempotency.key] = (call.idempotency.body_hash, answer)
    return answer


@routes.at(
    "GET",
    "/api/v1/notes",
    name="note.list",
    access="document.read",
    query=NoteQuery,
    answer=Page[Note],
    zh="便笺列表",
    en="Notes",
)
async def list_notes(call: SampleCall[None, NoteQuery]) -> Page[Note]:
    """Notes above the cursor, by id."""
    after = NOTES.decode(call.query.cursor)
    rows = [note for note in call.services.notes.values() if note.id > (after.note_id if after else 0)]
    return NOTES.page(rows, call.query.limit, lambda note: After(note.id))


@routes.at(
    "GET",
    "/api/v1/notes/{note_id:int}",
    name="note.show",
    access="document.read",
    answer=Note,
    zh="查看便笺",
    en="One note",
)
async def show_note(call: SampleCall[None, None]) -> Note:
    """One note."""
    note = call.services.notes.get(call.path.number("note_id"))
    if note is None:
        raise Refused("not_found")
    return note


@routes.at(
    "DELETE",
    "/api/v1/notes/{note_id:int}",
    name="note.remove",
    access="dispatch.submit",
    status=204,
    zh="删除便笺",
    en="Remove a note",
)
async def remove_note(call: SampleCall[None, None]) -> None:
    """Removes a note."""
    call.services.notes.pop(call.path.number("note_id"), None)


@routes.at(
    "POST",
    "/api/v1/files",
    name="file.add",
    access="dispatch.submit",
    query=FileName,
    answer=Received,
    status=201,
    stream=True,
    zh="上传附件",
    en="Upload an attachment",
    errors=("attachment_type", "attachment_too_large", "attachment_broken", "storage_full"),
)
async def add_file(call: SampleCall[None, FileName]) -> Received:
    """Takes a file in."""
    received = await call.services.files.receive(call.content, name=call.query.name)
    call.services.received[received.file_id] = received
    return received


@routes.at(
    "GET",
    "/api/v1/files/{file_id}",
    name="file.show",
    access="document.read",
    answer=Raw(tuple(sorted(set(MEDIA_TYPES.values())))),
    zh="下载附件",
    en="Download an attachment",
)
async def show_file(call: SampleCall[None, None]) -> web.StreamResponse:
    """Sends a file."""
    file_id = call.path.text("file_id")
    path = call.services.files.path_of(file_id)
    known = call.services.received.get(file_id)
    return await download(
        path,
        name=known.name if known else file_id,
        media_type=known.media_type if known else "application/octet-stream",
    )


@routes.at(
    "POST",
    "/api/v1/slow",
    name="slow.wait",
    access=PUBLIC,
    status=204,
    keyless="changes nothing",
    zh="等待",
    en="Wait",
)
async def wait(call: SampleCall[None, None]) -> None:
    """Stays inside until it is released."""
    call.services.entered.set()
    await call.services.released.wait()


@routes.at("GET", "/api/v1/broken", name="broken.show", access=PUBLIC, answer=Note, zh="出错", en="A bug")
async def broken(call: SampleCall[None, None]) -> Note:
    """Has a bug that knows a phone number."""
    raise KeyError("secret 13812345678")


@routes.at(
    "GET", "/api/v1/full", name="full.show", access=PUBLIC, answer=Note, zh="磁盘已满", en="A full disk"
)
async def full(call: SampleCall[None, None]) -> Note:
    """Meets a full disk."""
    raise OSError(28, "No space left on device")


def services(folder: Path, limits: Limits | None = None) -> SampleServices:
    """Services over ``folder``."""
    files = AttachmentFolder(
        folder, size_max_bytes=100_000, types=("pdf", "docx", "txt", "png", "jpg", "ofd")
    )
    return SampleServices(files=files, limits=limits or Limits())
