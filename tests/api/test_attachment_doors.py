"""Attachments over the API: uploaded once, taken by their document, read by whoever may read it."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from tests.api.conftest import City, Person, Told, slip

PDF = b"%PDF-1.7\n" + b"0" * 3_000


async def upload(
    person: Person, name: str = "值班表.pdf", content: bytes = PDF, key: str | None = None
) -> Told:
    """One upload."""
    return await person.ask("POST", "/attachments", params={"name": name}, content=content, key=key)


def files(city: City) -> list[Path]:
    """Every file among the attachments."""
    return [path for path in (city.folder / "attachments").rglob("*") if path.is_file()]


async def test_upload_travels_with_its_document(city: City) -> None:
    """What was uploaded is listed with its digest and comes down unchanged under its Chinese name."""
    clerk, receiver = await city.people("s01a", "e01a")
    told = await upload(clerk)
    assert (told.status, told.json["media_type"]) == (201, "application/pdf")
    assert told.json["sha256"] == hashlib.sha256(PDF).hexdigest()
    document = await city.send(["E01"], attachments=[told.json["id"]])
    (listed,) = (await receiver.get(f"/documents/{document}")).json["attachments"]
    assert (listed["id"], listed["name"], listed["size_bytes"]) == (told.json["id"], "值班表.pdf", len(PDF))
    down = await receiver.get(f"/attachments/{listed['id']}")
    assert (down.status, down.raw) == (200, PDF)
    assert "%E5%80%BC%E7%8F%AD%E8%A1%A8.pdf" in down.headers["Content-Disposition"]


async def test_repeated_upload_keeps_one_file(city: City) -> None:
    """The same key and content are answered alike and leave one file; other content under the key leaves none."""
    clerk = await city.person("s01a")
    first = await upload(clerk, key="upload-0001")
    second = await upload(clerk, key="upload-0001")
    assert (second.status, second.raw) == (201, first.raw)
    other = await upload(clerk, content=PDF + b"1", key="upload-0001")
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert [path.name for path in files(city)] == [first.json["id"]]


async def test_an_attachment_is_read_by_right(city: City) -> None:
    """Before its document only the uploader reads it, afterwards sender and receivers, never anybody else."""
    clerk, receiver, stranger = await city.people("s01a", "e01a", "w01a")
    told = await upload(clerk)
    path = f"/attachments/{told.json['id']}"
    assert ((await clerk.get(path)).status, (await receiver.get(path)).status) == (200, 404)
    await city.send(["E01"], attachments=[told.json["id"]])
    assert ((await clerk.get(path)).status, (await receiver.get(path)).status) == (200, 200)
    assert (await stranger.get(path)).status == 404
    assert (await clerk.get(f"/attachments/{'0' * 32}")).status == 404
    assert (await clerk.get("/attachments/..%2f..%2fsongda.db")).status == 404


async def test_an_attachment_belongs_to_one_document(city: City) -> None:
    """A second document that names it, and one that names another person's, are refused at the place."""
    clerk, other = await city.people("s01a", "e01a")
    told = await upload(clerk)
    foreign = await other.post("/dispatches", slip(["E02"], attachments=[told.json["id"]]))
    assert (foreign.code, foreign.pointers) == ("attachment_unknown", ["/attachments/0"])
    await city.send(["E01"], attachments=[told.json["id"]])
    second = await clerk.post("/dispatches", slip(["E01"], attachments=[told.json["id"]]))
    assert (second.code, second.pointers) == ("attachment_unknown", ["/attachments/0"])


async def test_posts_at_once_with_an_attachment_hear_the_same(city: City) -> None:
    """A repetition that comes while the first takes the attachment is answered like the first."""
    clerk = await city.person("s01a")
    file = (await upload(clerk)).json["id"]
    body = slip(["E01"], attachments=[file])
    told = await asyncio.gather(*(clerk.post("/dispatches", body, key="at-once-0002") for _ in range(20)))
    assert {(one.status, one.raw) for one in told} == {(201, told[0].raw)}


async def test_recalled_before_signing_the_attachment_is_kept_back(city: City) -> None:
    """Who had not signed gets the attachment no longer."""
    clerk, receiver = await city.people("s01a", "e01a")
    told = await upload(clerk)
    document = await city.send(["E01"], attachments=[told.json["id"]])
    await clerk.post(f"/documents/{document}/recall", {"reason": "附件有误"})
    gone = await receiver.get(f"/attachments/{told.json['id']}")
    assert (gone.status, gone.code) == (409, "already_recalled")
    assert (await clerk.get(f"/attachments/{told.json['id']}")).status == 200


async def test_a_marked_file_name_is_refused_before_the_content(city: City) -> None:
    """A file whose name bears a mark of secrecy is not received at all; an audit line stays."""
    clerk = await city.person("s01a")
    told = await upload(clerk, name="【机密】名单.pdf")
    assert (told.status, told.code, told.pointers) == (422, "classified_refused", ["/name"])
    assert (files(city), city.rows("select count(*) from attachment")) == ([], [(0,)])
    assert city.trace("attachment.refused") == [{"code": "classified_refused", "fields": ["name"]}]


async def test_a_classified_document_takes_its_attachments_with_it(city: City) -> None:
    """When the document is refused for a mark, the files uploaded for it are gone too."""
    clerk = await city.person("s01a")
    told = await upload(clerk)
    body = slip(["E01"], title="关于名单的函 机密", attachments=[told.json["id"]])
    assert (await clerk.post("/dispatches", body)).code == "classified_refused"
    assert (files(city), city.rows("select count(*) from attachment")) == ([], [(0,)])


async def test_content_decides_the_type(city: City) -> None:
    """What is no PDF inside is refused under a PDF's name, and nothing is left behind."""
    clerk = await city.person("s01a")
    told = await upload(clerk, content=b"MZ\x90\x00" * 100)
    assert (told.status, told.code) == (415, "attachment_type")
    assert files(city) == []
