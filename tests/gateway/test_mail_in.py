"""Documents by mail over the whole road: drafts and dispatches, the same mail again, what is refused leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtplib import SMTPAuthenticationError, SMTPDataError, SMTPRecipientRefused

from gateway.flows.account_desk import Operator
from inbox_store.mails import MailPolicy
from inbox_store.programs import idempotency, mail_drafts
from inbox_store.programs.copies import Actor
from tests.api.city import UNITS
from tests.gateway.mail_city import DOMAIN, PDF, MailCity, mail, mail_city


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[MailCity]:
    """The city with its door open."""
    async with mail_city(tmp_path) as told:
        yield told


async def rule(city: MailCity, mode: str, unit: str = "S01", kind: str = "slip") -> None:
    """Set a unit's rule past the doors."""
    by = Actor(person_id=0, name="test", origin="", device="")
    policy = MailPolicy(mode, kind)  # type: ignore[arg-type]  # one of the two
    await city.house.store.engine.write(mail_drafts.set_policy(city.units[unit], policy, by, city.clock()))


async def test_a_mail_becomes_a_draft_that_its_clerk_sends(city: MailCity) -> None:
    """What came by mail waits for the unit's clerks, is previewed, completed and sent, and is a draft no more."""
    word = await city.mail(await city.key(), mail(scan_pdf=PDF), "E01", "E02")
    assert word == "2.0.0 draft 1"
    clerk, other, receiver = await city.people("s01b", "s02a", "e01a")
    (draft,) = (await clerk.get("/drafts")).json["items"]
    assert (draft["title"], draft["body"]) == ("关于报送防汛值班表的函", "请于本周五前报送。")
    assert [unit["code"] for unit in draft["units"]] == ["E01", "E02"]
    assert [file["name"] for file in draft["attachments"]] == ["scan.pdf"]
    assert (await other.get("/drafts")).json["items"] == []
    assert (await other.get("/drafts/1")).status == 404
    file = await clerk.get(f"/drafts/1/attachments/{draft['attachments'][0]['id']}")
    assert (file.status, file.raw) == (200, PDF)

    seen = await clerk.post("/drafts/1/preview", {})
    assert (seen.json["sendable"], seen.json["figures"]["units"]) == (True, 2)
    sent = await clerk.post("/drafts/1/send", {"doc_no": "云政办函〔2026〕3号"}, key="send-draft-1")
    assert (sent.status, sent.json["state"]) == (201, "sending")
    again = await clerk.post("/drafts/1/send", {"doc_no": "云政办函〔2026〕3号"}, key="send-draft-1")
    assert again.raw == sent.raw
    assert (await clerk.post("/drafts/1/send", {})).status == 404
    await city.settle()
    (entry,) = (await receiver.get("/inbox/entries")).json["items"]
    document = await receiver.get(f"/documents/{entry['document_id']}")
    assert (document.json["doc_no"], document.json["attachments"][0]["name"]) == (
        "云政办函〔2026〕3号",
        "scan.pdf",
    )
    assert city.rows("select draft_id, document_id from mail_in") == [(1, sent.json["document_id"])]
    assert city.rows("select count(*) from mail_draft where closed_at is null") == [(0,)]
    assert [line["unit"] for line in city.trace("draft.send")] == [city.units["S01"]]


async def test_a_draft_is_dropped_with_its_files(city: MailCity) -> None:
    """A dropped draft leaves no text and no file, and its id is given to no other mail."""
    await city.mail(await city.key(), mail(scan_pdf=PDF))
    clerk = await city.person("s01a")
    assert len(city.files()) == 1
    assert (await clerk.ask("DELETE", "/drafts/1", key="drop-draft-1")).status == 204
    assert (await clerk.ask("DELETE", "/drafts/1", key="drop-draft-1")).status == 204
    assert (city.files(), city.rows("select count(*) from attachment")) == ([], [(0,)])
    assert city.rows("select title, body from mail_draft") == [("", "")]
    assert await city.mail(await city.key(), mail(body="另一件")) == "2.0.0 draft 2"


async def test_a_units_rule_lets_mail_out_at_once(city: MailCity) -> None:
    """Where the rule says so a mail is a dispatch, screened and held as any other, with its attachments."""
    await rule(city, "dispatch")
    key = await city.key()
    told = mail(scan_pdf=PDF)
    told["Cc"] = f"copies <w01@{DOMAIN}>"
    assert await city.mail(key, told, "e01", "W01") == "2.0.0 document 1"
    await city.settle()
    (row,) = city.rows("select kind, title, body, sender_unit_id from document")
    assert row == ("slip", "关于报送防汛值班表的函", "请于本周五前报送。", city.units["S01"])
    assert city.rows("select role from distribution order by role") == [("cc",), ("to",)]
    assert city.rows("select name, document_id from attachment") == [("scan.pdf", 1)]
    everybody = [code for code in UNITS if code != "S01"]
    await city.mail(key, mail("普发"), *everybody)
    assert city.rows("select state from dispatch order by id") == [("sent",), ("held",)]


async def test_the_same_mail_again_is_the_same_document(city: MailCity) -> None:
    """A repetition, also with other trace headers and past the days of idempotency keys, changes nothing."""
    key = await city.key()
    await rule(city, "dispatch")
    first = await city.mail(key, mail(scan_pdf=PDF))
    traced = (
        b"Received: from relay2 by relay1; Mon, 1 Jun 2026 09:01:00 +0800\r\n" + mail(scan_pdf=PDF).as_bytes()
    )
    assert await city.mail(key, traced.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) == first
    city.clock.forward(days=30)
    await city.house.store.engine.write(idempotency.prune(city.clock(), 7))
    assert await city.mail(key, mail(scan_pdf=PDF)) == first
    assert (city.rows("select count(*) from document"), len(city.files())) == ([(1,)], 1)


async def test_many_at_once_are_one(city: MailCity) -> None:
    """The same mail over eight connections at the same time makes one draft, and one file stays."""
    key = await city.key()
    words = await asyncio.gather(*(city.mail(key, mail(scan_pdf=PDF)) for _ in range(8)))
    assert set(words) == {"2.0.0 draft 1"}
    assert (city.rows("select count(*) from mail_draft"), len(city.files())) == ([(1,)], 1)


async def test_one_message_id_for_every_mail_loses_none(city: MailCity) -> None:
    """A scanner that gives each mail the same Message-ID has each of them kept."""
    key = await city.key()
    assert await city.mail(key, mail(body="第一件")) == "2.0.0 draft 1"
    assert await city.mail(key, mail(body="第二件")) == "2.0.0 draft 2"


async def test_saved_scopes_are_addresses(city: MailCity) -> None:
    """A scope of the key's unit is named by its name, in Chinese too, or by its number; another unit's is nobody."""
    clerk = await city.person("s01a")
    units = [city.units["E01"], city.units["W01"]]
    scope = (
        await clerk.post("/scopes", {"unit_id": city.units["S01"], "name": "两县办", "units": units})
    ).json
    key = await city.key()
    await city.mail(key, mail(), "scope-两县办")
    await city.mail(key, mail(body="二"), f"scope-{scope['id']}")
    drafts = (await clerk.get("/drafts")).json["items"]
    assert [draft["scopes"] for draft in drafts] == [[scope["id"]], [scope["id"]]]
    assert (await clerk.post("/drafts/1/preview", {})).json["figures"]["units"] == 2
    other = await city.key("S02", "s02a")
    with pytest.raises(SMTPRecipientRefused, match=r"5\.1\.1"):
        await city.mail(other, mail(), f"scope-{scope['id']}")


@pytest.mark.parametrize(
    ("address", "code"), [("nobody", 550), ("E01@elsewhere.example", 550), ("scope-无此范围", 550)]
)
async def test_recipients_that_are_none(city: MailCity, address: str, code: int) -> None:
    """Unknown units, unknown scopes and other domains are refused one by one, before any content."""
    with pytest.raises(SMTPRecipientRefused) as refused:
        await city.mail(await city.key(), mail(), address)
    assert refused.value.code == code


async def test_keys_are_asked_of_the_house(city: MailCity) -> None:
    """A revoked key, a key under another login and a key that may not send get nothing in."""
    key = await city.key()
    reader = await city.key(actions=["dispatch.preview"])
    with pytest.raises(SMTPRecipientRefused, match=r"5\.7\.1"):
        await city.mail(reader, mail())
    prefix = key.split("_")[1]
    await city.server.parts.access.revoke_api_key(Operator(name="test"), prefix)
    with pytest.raises(SMTPAuthenticationError):
        await city.mail(key, mail())
    with pytest.raises(SMTPAuthenticationError):
        await city.mail(reader.replace(reader.split("_")[1], prefix), mail())


REFUSED: dict[str, tuple[EmailMessage, str]] = {
    "a mark in the subject": (mail("关于××的函 机密"), "5.7.1 classified"),
    "a mark in the body": (mail(body="秘密★10年\n请落实。"), "5.7.1 classified"),
    "a mark in a file's name": (mail(files={"名单【绝密】.pdf": PDF}), "5.7.1 classified"),
    "an executable": (mail(tool_exe=b"MZ\x90\0"), "5.6.1 an attachment's type"),
    "a lie about the type": (mail(scan_pdf=b"MZ\x90\0"), "5.6.1 an attachment's type"),
    "the second file of two": (mail(scan_pdf=PDF, tool_exe=b"MZ"), "5.6.1 an attachment's type"),
    "winmail.dat": (mail(winmail_dat=b"\x78\x9f\x3e\x22"), "winmail.dat (Outlook rich text)"),
}


@pytest.mark.parametrize("mode", ["draft", "dispatch"])
async def test_what_is_refused_leaves_nothing(city: MailCity, mode: str) -> None:
    """A refused mail leaves no document, no draft, no file; of a classified one there is an audit line without its words."""
    await rule(city, mode)
    key = await city.key()
    for case, (told, words) in REFUSED.items():
        with pytest.raises(SMTPDataError) as refused:
            await city.mail(key, told)
        assert refused.value.code == 554, case
        assert words in refused.value.message, case
        for table in ("document", "mail_draft", "mail_in", "attachment"):
            assert city.rows(f"select count(*) from {table}") == [(0,)], case  # noqa: S608
        assert city.files() == [], case
    lines = city.trace("document.refused")
    assert [line["fields"] for line in lines] == [["title"], ["body"], ["attachments[0]"]]
    assert "密" not in str(lines)


async def test_no_audience_no_dispatch(city: MailCity) -> None:
    """A dispatch to a unit that cannot receive is refused as over the API, and its files go."""
    await rule(city, "dispatch")
    with pytest.raises(SMTPDataError, match=r"5\.1\.1 nobody could receive it"):
        await city.mail(await city.key(), mail(scan_pdf=PDF), "S01")
    assert city.files() == []
