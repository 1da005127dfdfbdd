"""Attachments received, kept and sent."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.doors.call import Incoming, Limits
from gateway.doors.sniffing import BLOCK_BYTES
from gateway.doors.uploads import AttachmentFolder
from inbox_store.errors import Refused
from tests.doors import sample
from tests.doors.conftest import Client, OpenDoor
from tests.doors.content import DOCX, PDF, PNG

KEY = {"Idempotency-Key": "upload-0001"}
OCTETS = {**KEY, "Content-Type": "application/octet-stream"}


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """The parts, one after another."""
    for part in parts:
        yield part


def files_in(folder: Path) -> list[Path]:
    """Everything that lies in ``folder``."""
    return [path for path in folder.rglob("*") if path.is_file()]


def folder_of(root: Path, **terms: int) -> AttachmentFolder:
    """A folder with a small limit."""
    return AttachmentFolder(
        root, size_max_bytes=terms.get("size_max_bytes", 10_000), types=("pdf", "docx", "txt", "jpg")
    )


async def test_file_is_kept_under_a_generated_id(tmp_path: Path) -> None:
    """Content, digest and size are exact; the given name is metadata only."""
    received = await folder_of(tmp_path).receive(
        Incoming(length=None, chunks=pieces(DOCX[:7], DOCX[7:])), name="../../关于会议的通知.docx"
    )
    (path,) = files_in(tmp_path)
    assert path.read_bytes() == DOCX
    assert path == tmp_path / received.file_id[:2] / received.file_id[2:4] / received.file_id
    assert received.name == "关于会议的通知.docx"
    assert received.sha256 == hashlib.sha256(DOCX).hexdigest()
    assert received.size_bytes == len(DOCX)
    assert received.media_type.endswith("wordprocessingml.document")
    assert path.stat().st_mode & 0o077 == 0


async def test_large_file_is_written_in_blocks(tmp_path: Path) -> None:
    """A file of several blocks arrives whole."""
    content = PDF + bytes(3 * BLOCK_BYTES)
    folder = folder_of(tmp_path, size_max_bytes=len(content))
    chunks = pieces(*(content[at : at + 100_000] for at in range(0, len(content), 100_000)))
    received = await folder.receive(Incoming(length=len(content), chunks=chunks), name="a.pdf")
    assert folder.path_of(received.file_id).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "parts", "length", "code"),
    [
        ("a.exe", (PDF,), None, "attachment_type"),
        ("a", (PDF,), None, "attachment_type"),
        ("a.docx", (PDF,), None, "attachment_type"),
        ("a.png", (PNG,), None, "attachment_type"),
        ("a.txt", (b"MZ\x00\x01",), None, "attachment_type"),
        ("a.pdf", (PDF, bytes(10_000)), None, "attachment_too_large"),
        ("a.pdf", (PDF,), 10_001, "attachment_too_large"),
        ("a.pdf", (), None, "attachment_broken"),
        ("a.pdf", (PDF,), len(PDF) + 1, "attachment_broken"),
    ],
)
async def test_refused_file_leaves_nothing(
    tmp_path: Path, name: str, parts: tuple[bytes, ...], length: int | None, code: str
) -> None:
    """Wrong kinds, too much and too little are refused, and the disk is as before."""
    with pytest.raises(Refused, match=code):
        await folder_of(tmp_path).receive(Incoming(length=length, chunks=pieces(*parts)), name=name)
    assert files_in(tmp_path) == []


async def test_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    """A client that goes away in the middle leaves no file."""
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield PDF
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(
        folder_of(tmp_path).receive(Incoming(length=None, chunks=endless()), name="a.pdf")
    )
    await begun.wait()
    assert len(files_in(tmp_path)) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files_in(tmp_path) == []


async def test_jpeg_is_allowed_with_jpg(tmp_path: Path) -> None:
    """Both spellings of an extension are one kind."""
    content = b"\xff\xd8\xff\xe0" + bytes(20)
    received = await folder_of(tmp_path).receive(Incoming(length=None, chunks=pieces(content)), name="A.JPEG")
    assert received.media_type == "image/jpeg"


async def test_orphans_are_listed_and_discarded(tmp_path: Path) -> None:
    """What lies in the folder can be listed and removed; half received files are swept at the start."""
    folder = folder_of(tmp_path)
    received = await folder.receive(Incoming(length=None, chunks=pieces(PDF)), name="a.pdf")
    (tmp_path / "incoming" / "left.part").write_bytes(b"half")
    assert list(folder.ids()) == [received.file_id]
    assert folder.sweep() == 1
    await folder.discard(received.file_id)
    await folder.discard(received.file_id)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("file_id", ["", "../../../etc/passwd", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_foreign_ids_name_nothing(tmp_path: Path, file_id: str) -> None:
    """Only generated ids become paths."""
    with pytest.raises(Refused, match="not_found"):
        folder_of(tmp_path).path_of(file_id)


async def test_upload_and_download_over_http(client: Client) -> None:
    """What was sent comes back as a download, sandboxed and under its cleaned name, and in ranges."""
    sent = await client.post("/api/v1/files", params={"name": "会议 通知.docx"}, data=DOCX, headers=OCTETS)
    assert sent.status == 201
    received = await sent.json()
    path = f"/api/v1/files/{received['file_id']}"
    got = await client.get(path)
    assert await got.read() == DOCX
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%E4%BC%9A%E8%AE%AE%20" in got.headers["Content-Disposition"]
    assert got.headers["Content-Security-Policy"].startswith("sandbox;")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    part = await client.get(path, headers={"Range": "bytes=0-3"})
    assert (part.status, await part.read()) == (206, DOCX[:4])
    head = await client.head(path)
    assert (head.status, head.content_length) == (200, len(DOCX))


async def test_page_in_disguise_is_text_and_never_shown(client: Client) -> None:
    """HTML under a text's name leaves as a plain download."""
    page = b"<script>alert(1)</script>"
    sent = await client.post("/api/v1/files", params={"name": "a.txt"}, data=page, headers=OCTETS)
    got = await client.get(f"/api/v1/files/{(await sent.json())['file_id']}")
    assert got.content_type == "text/plain"
    assert got.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("name", "content", "headers", "status", "code"),
    [
        ("a.exe", PDF, OCTETS, 415, "attachment_type"),
        ("a.pdf", PDF + bytes(100_000), OCTETS, 413, "attachment_too_large"),
        ("a.pdf", b"", OCTETS, 422, "attachment_broken"),
        ("a.pdf", PDF, {**KEY, "Content-Type": "application/pdf"}, 415, "unsupported_media"),
        ("a.pdf", PDF, {"Content-Type": "application/octet-stream"}, 400, "idempotency_required"),
        ("", PDF, OCTETS, 400, "query_invalid"),
    ],
)
async def test_refused_upload_is_a_problem(
    client: Client, name: str, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Each refusal of an upload has its status and code."""
    answer = await client.post("/api/v1/files", params={"name": name}, data=content, headers=headers)
    assert answer.status == status
    assert (await answer.json(content_type="application/problem+json"))["code"] == code


async def test_slow_upload_is_cut(open_door: OpenDoor, tmp_path: Path) -> None:
    """A sender who pauses too long is answered 408, and nothing is left."""
    client = await open_door(Limits(read_timeout_s=0.05))
    never = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield PDF
        await never.wait()

    headers = {**OCTETS, "Authorization": f"Bearer {sample.CLERK}"}
    answer = await client.post("/api/v1/files", params={"name": "a.pdf"}, data=drip(), headers=headers)
    never.set()
    assert answer.status == 408
    assert files_in(tmp_path) == []


async def test_sender_who_vanishes_leaves_nothing(client: Client, tmp_path: Path) -> None:
    """A connection lost in the middle of an upload leaves no file."""
    reader, writer = await raw_upload(client, declared=1_000)
    writer.write(PDF)
    await writer.drain()
    await until_file(tmp_path)
    writer.close()
    await until_no_file(tmp_path)
    assert await reader.read() == b""


async def raw_upload(
    client: TestClient[web.Request, web.Application], declared: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has sent the head of an upload."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        f"POST /api/v1/files?name=a.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sample.CLERK}\r\n"
        f"Idempotency-Key: upload-0002\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {declared}\r\n\r\n".encode()
    )
    return reader, writer


async def until_file(folder: Path) -> None:
    """Waits, bounded, until something lies in ``folder``."""
    async with asyncio.timeout(5):
        while not files_in(folder):  # noqa: ASYNC110 - the disk has no event
            await asyncio.sleep(0)


async def until_no_file(folder: Path) -> None:
    """Waits, bounded, until nothing lies in ``folder``."""
    async with asyncio.timeout(5):
        while files_in(folder):  # noqa: ASYNC110 - the disk has no event
            await asyncio.sleep(0)


async def test_announced_upload_may_go_on(client: Client) -> None:
    """``Expect: 100-continue`` is answered, so that curl sends a large file without waiting."""
    async with client.post(
        "/api/v1/files", params={"name": "a.pdf"}, data=PDF, headers=OCTETS, expect100=True
    ) as answer:
        assert answer.status == 201
    assert isinstance(answer, aiohttp.ClientResponse)
