"""Routes of attachments: uploaded before the document that takes them, downloaded by whoever may read it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.downloads import download
from gateway.doors.routes import Raw, Routes
from gateway.doors.sniffing import MEDIA_TYPES
from gateway.doors.uploads import AttachmentFolder, Received
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.wire import Answer, Body, shown
from gateway.flows import reading
from gateway.flows.proposals import refuse_marked_name
from gateway.house import House
from inbox_store.errors import Refused, StoreFull
from inbox_store.programs.registers import Upload, keep_upload

routes = Routes("attachments")


class FileName(Body, frozen=True, kw_only=True):
    """附件的文件名，带扩展名"""

    name: Annotated[str, Meta(min_length=1, max_length=300, description="文件名，带扩展名")]


class Attachment(Answer, frozen=True, kw_only=True):
    """已收下的附件；发文时用 id 引用，sha256 为十六进制"""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime


def folder_of(house: House) -> AttachmentFolder:
    """Where the installation keeps attachments."""
    told = house.settings.dispatch
    return AttachmentFolder(
        house.store.attachments, size_max_bytes=told.attachment_max_bytes, types=told.attachment_types
    )


async def discard(house: House, ids: object) -> None:
    """Remove files which the store has forgotten."""
    for file_id in ids if isinstance(ids, list) else ():
        await folder_of(house).discard(str(file_id))


@routes.at(
    "POST",
    "/api/v1/attachments",
    name="attachment.upload",
    access="dispatch.submit",
    query=FileName,
    answer=Attachment,
    status=201,
    stream=True,
    zh="上传附件",
    en="Upload an attachment",
    errors=(
        "classified_refused",
        "attachment_type",
        "attachment_too_large",
        "attachment_broken",
        "storage_full",
    ),
)
async def upload(call: AppCall[None, FileName]) -> Encoded:
    """Takes a file in; a repetition finds the first one and leaves no second behind."""
    house = call.services.house
    await refuse_marked_name(house, call.principal, call.query.name, call.origin)
    folder = folder_of(house)
    received = await folder.receive(call.content, name=call.query.name)
    key = call.idempotency.over(bytes.fromhex(received.sha256))
    fact = keep_upload(_upload(received), call.principal.person_id, call.now)
    told = _attachment(received, call.now)
    try:
        answer = await house.once(act_of(call, key), fact, lambda _: told, 201)
    except (Refused, StoreFull):
        # After any other fault the record may be there, or come with a repetition: a lost file would be worse.
        await discard(house, [received.file_id])
        raise
    if answer.replayed:
        await discard(house, [received.file_id])
    return encoded(answer)


def _upload(received: Received) -> Upload:
    return Upload(
        id=received.file_id,
        name=received.name,
        media_type=received.media_type,
        size_bytes=received.size_bytes,
        sha256=bytes.fromhex(received.sha256),
    )


def _attachment(received: Received, now: int) -> Attachment:
    return Attachment(
        id=received.file_id,
        name=received.name,
        media_type=received.media_type,
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        uploaded_at=shown(now),
    )


@routes.at(
    "GET",
    "/api/v1/attachments/{attachment_id}",
    name="attachment.show",
    access="document.read",
    answer=Raw(tuple(sorted(set(MEDIA_TYPES.values())))),
    zh="下载附件",
    en="Download an attachment",
    errors=("already_recalled",),
)
async def show(call: AppCall[None, None]) -> web.StreamResponse:
    """Sends a file to whoever may read its document."""
    house = call.services.house
    path = folder_of(house).path_of(call.path.text("attachment_id"))
    fact = reading.attachment(path.name, call.principal, call.now)
    told = await house.store.engine.read(fact)
    return await download(path, name=told.name, media_type=told.media_type)
