"""The organisation comes in by upload: all faults at once or everything stored; and the template to fill in."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from aiohttp import web
from msgspec import Meta

from gateway.doors.call import Encoded, Incoming
from gateway.doors.downloads import XLSX, made
from gateway.doors.routes import Raw, Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.reaching import repeatable
from gateway.doors.wire import Answer, Body
from gateway.flows.import_reach import faults_beyond
from gateway.flows.organisation import Imported, import_file
from gateway.orgfile.faults import Fault
from gateway.orgfile.template import write_template
from gateway.rules.access import reach
from inbox_store.errors import Refused

routes = Routes("organisation")

BLOCK_BYTES: Final = 1024 * 1024
BUSY_RETRY_S: Final = 30
TEMPLATE_NAME: Final = "组织架构导入表.xlsx"


class ImportQuery(Body, frozen=True, kw_only=True):
    """导入的参数"""

    name: Annotated[
        str,
        Meta(
            min_length=5,
            max_length=200,
            pattern=r"\.([Xx][Ll][Ss][Xx]|[Cc][Ss][Vv])$",
            description="文件名，以 .xlsx 或 .csv 结尾",
        ),
    ]
    accept_good: Annotated[bool, Meta(description="有问题时仍导入无问题的行")] = False


class Finding(Answer, frozen=True, kw_only=True):
    """导入文件中的一处问题：在哪张表、第几行、哪一列，什么原因，怎样改正"""

    code: str
    sheet: str
    row: int
    column: str
    value: str
    reason: str
    mend: str


class ImportDone(Answer, frozen=True, kw_only=True):
    """已导入的数目；faults 为 accept_good 时未导入的问题，left_out 为随之未导入的行，warnings 为提醒"""

    regions: int
    units: int
    persons: int
    appointments: int
    faults: tuple[Finding, ...]
    left_out: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def _findings(faults: tuple[Fault, ...]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            code=one.code,
            sheet=one.sheet,
            row=one.row,
            column=one.column,
            value=one.value,
            reason=one.reason,
            mend=one.mend,
        )
        for one in faults
    )


def _done(told: Imported) -> ImportDone:
    return ImportDone(
        regions=told.regions,
        units=told.units,
        persons=told.persons,
        appointments=told.appointments,
        faults=_findings(told.faults),
        left_out=_findings(told.left_out),
        warnings=_findings(told.warnings),
    )


def _faulty(faults: tuple[Fault, ...]) -> Refused:
    return Refused("import_faults", count=len(faults), faults=_findings(faults))


@routes.at(
    "POST",
    "/api/v1/org/imports",
    name="org.import",
    access="org.import",
    query=ImportQuery,
    answer=ImportDone,
    stream=True,
    errors=("import_faults", "import_running", "attachment_broken", "storage_full"),
    zh="导入组织架构（XLSX 或 CSV）：有一处问题就全部不导入，问题一次列出",
    en="Import the organisation: every fault at once and nothing stored, or the good rows with accept_good",
)
async def import_organisation(call: AppCall[None, ImportQuery]) -> Encoded:
    """Takes the file in, judges and stores it. The same file again changes nothing."""
    house = call.services.house
    limit = house.settings.imports.file_max_bytes
    with _upload(house.settings.data_folder / "imports", call.query.name) as (path, file):
        digest = await _receive(call.content, file, limit)

        async def bring_in() -> Imported:
            with _alone(path.parent):
                told = reach(call.principal, "org.import")
                if outside := await faults_beyond(house, told, path, call.now):
                    raise _faulty(outside)
                done = await import_file(
                    house, path, accept_good=call.query.accept_good, actor=call.principal.person_id
                )
            if not done.stored:
                raise _faulty(done.faults)
            return done

        return await repeatable(call, bring_in, _done, key=call.idempotency.over(digest))


@contextmanager
def _upload(folder: Path, name: str) -> Iterator[tuple[Path, BinaryIO]]:
    """A file for one upload under a generated name; nothing is left of it, not even by a crash of an earlier one.

    Whoever holds a file holds its lock, so that a file without one is known to be an orphan. Made without a pause, on
    the loop: between making and locking nobody else looks.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob("upload-*"):
        with path.open("rb") as orphan, suppress(BlockingIOError):
            fcntl.flock(orphan, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    path = folder / f"upload-{secrets.token_hex(16)}{Path(name).suffix.lower()}"
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield path, file
        finally:
            path.unlink(missing_ok=True)


async def _receive(content: Incoming, file: BinaryIO, size_max_bytes: int) -> bytes:
    """Writes the content and gives its SHA-256. Raises Refused: body_too_large, attachment_broken (cut off or empty)."""
    if (content.length or 0) > size_max_bytes:
        raise Refused("body_too_large", size_max_bytes=size_max_bytes)
    digest, received, block = hashlib.sha256(), 0, bytearray()
    async for chunk in content.chunks:
        received += len(chunk)
        if received > size_max_bytes:
            raise Refused("body_too_large", size_max_bytes=size_max_bytes)
        block += chunk
        if len(block) >= BLOCK_BYTES:
            await asyncio.to_thread(_write, file, digest, bytes(block))
            block.clear()
    await asyncio.to_thread(_write, file, digest, bytes(block))
    if received == 0 or (content.length is not None and received != content.length):
        raise Refused("attachment_broken")
    return digest.digest()


def _write(file: BinaryIO, digest: hashlib._Hash, block: bytes) -> None:
    """Writes the whole block; an unbuffered write may take only a part of it."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]
    digest.update(block)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One import at a time: each may take a gigabyte to read. Raises Refused("import_running")."""
    with (folder / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("import_running", retry_after_s=BUSY_RETRY_S) from None
        yield


@routes.at(
    "GET",
    "/api/v1/org/template",
    name="org.template",
    access="org.template",
    answer=Raw((XLSX,)),
    zh="下载空白导入模板",
    en="The empty template to fill in",
)
async def template(_call: AppCall[None, None]) -> web.Response:
    """The template as a download."""
    body = await asyncio.to_thread(_template)
    return made(body, TEMPLATE_NAME)


def _template() -> bytes:
    with tempfile.TemporaryDirectory(prefix="songda-template-") as folder:
        path = Path(folder) / "template.xlsx"
        write_template(path)
        return path.read_bytes()
