"""The short link over HTTP: looking does nothing, a tap acts as the person, once; forged, late and recalled ones say so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest
from aiohttp import web

from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from config.sms_settings import Sms
from gateway.assembly import running
from gateway.doors.v1.short_link import FAILURES_PER_MINUTE, FORM
from gateway.flows.organisation import store_rows
from gateway.rules.short_links import LinkTo, link_key, token_of
from inbox_store.times import US
from tests.api.city import ROWS
from tests.api.conftest import City, Clock
from tests.api.test_meeting_doors import meeting, roster
from tests.gateway.sms_city import channel, sms_city


@dataclass
class Page:
    """An answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def acts(self) -> list[str]:
        """What its forms offer."""
        found = re.findall(r'name="(?:act|said)" value="(\w+)"', self.text)
        return [one for one in found if one != "answer"]


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    """The small city with short links switched on; everybody has a phone."""
    clock, folder = Clock(), tmp_path / "data"
    settings = Settings(
        server=Server(port=0, drain_s=0.2),
        store=StoreSettings(path=str(folder), readers=1),
        sms=Sms(short_link=True),
    )
    people = [msgspec.structs.replace(one, phone=f"138{place:08}") for place, one in enumerate(ROWS.people)]
    async with running(settings, clock) as server:
        await store_rows(server.parts.house, msgspec.structs.replace(ROWS, people=tuple(people)))
        server.parts.house.wake.clear()
        async with aiohttp.ClientSession() as session:
            units = {unit.code: unit.id for unit in (await server.parts.house.organisation()).units.values()}
            yield City(server, session, clock, folder, units=units)


async def sent(city: City, to: list[str], **more: object) -> int:
    """A document to these units, with messages to their people."""
    return await city.send(to, sender="s01a", sms_reminder=True, **more)


async def called(city: City, to: list[str], **form: object) -> int:
    """A meeting called by the organiser, with messages."""
    body = {**meeting(to, **form), "sms_reminder": True}
    answer = await (await city.person("org")).post("/dispatches", body)
    assert answer.status == 201, answer.json
    await city.settle()
    return int(answer.json["document_id"])


async def told(city: City, document: int, login: str, *, hours: float = 24) -> str:
    """The link in the message about the document to this person."""
    account = await city.server.parts.access.account(login)
    ((order_id,),) = city.rows(
        "select o.id from sms_order o join alert t on t.id = o.alert_id"  # noqa: S608
        f" where t.document_id = {document} and o.person_id = {account.person_id}"
    )
    to = LinkTo(person_id=account.person_id, document_id=document)
    key = link_key(city.house.store.keys.codes)
    return token_of(order_id, city.clock.now + int(hours * 3600 * US), key, to=to)


async def ask(
    city: City, method: str, token: str, form: dict[str, str] | None = None, query: str = ""
) -> Page:
    """One request, as a phone's browser sends it."""
    url = f"http://127.0.0.1:{city.server.port}/s/{token}{query}"
    data = None if form is None else urlencode(form)
    headers = {"Content-Type": FORM} if form is not None else {}
    async with city.session.request(method, url, data=data, headers=headers) as response:
        return Page(response.status, dict(response.headers), await response.text())


async def tap(city: City, token: str, act: str, said: str = "", detail: str = "") -> Page:
    """A tap on a button."""
    form = {"act": act, "said": said, "detail": detail}
    return await ask(city, "POST", token, {name: text for name, text in form.items() if text})


async def copy_of(city: City, document: int, unit: str) -> tuple[str, int | None]:
    """The state of a unit's copy, and who signed."""
    query = f"select state, signed_by from distribution where document_id = {document} and unit_id = {city.units[unit]}"  # noqa: S608
    return city.rows(query)[0]


async def test_looking_does_nothing(city: City) -> None:
    """The page says what, from whom, until when, without scripts or anything fetched; nothing is stored by looking."""
    document = await sent(city, ["E01"], urgency="extra_urgent")
    token = await told(city, document, "e01a")
    before = city.rows("select count(*) from audit")
    pages = [await ask(city, "GET", token), await ask(city, "HEAD", token), await ask(city, "GET", token)]
    page = pages[2]
    assert [one.status for one in pages] == [200, 200, 200]
    assert page.acts == ["sign"]
    assert all(
        word in page.text for word in ("云水市政府办", "东川县政府办", "便函", "特急", "2026-06-01 09:30")
    )
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script|src=|https?://|javascript:| on\w+=", page.text)
    assert city.rows("select count(*) from audit") == before
    assert await copy_of(city, document, "E01") == ("unsigned", None)
    assert city.rows("select * from short_link_use") == []


@pytest.mark.parametrize(
    ("sensitivity", "shown"), [("public", True), ("internal", False), ("work_secret", False)]
)
async def test_only_public_titles_are_shown(city: City, sensitivity: str, shown: bool) -> None:  # noqa: FBT001
    """A title that is not public stands on no page, before the tap and after it (F28); a shown one is escaped."""
    title = "关于<b>汛期</b>值班的函"
    document = await sent(city, ["E01"], sensitivity=sensitivity, title=title)
    token = await told(city, document, "e01a")
    pages = [await ask(city, "GET", token), await tap(city, token, "sign"), await ask(city, "GET", token)]
    assert title not in "".join(one.text for one in pages)
    assert ("关于&lt;b&gt;汛期&lt;/b&gt;值班的函" in pages[0].text) == shown
    assert shown or not any("汛期" in one.text for one in pages)


async def test_a_clerk_signs_once(city: City) -> None:
    """The tap is the unit's receipt, by the person, with the link as its device; a second tap tells what was done."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    clerk = await city.server.parts.access.account("e01a")
    first, second = await tap(city, token, "sign"), await tap(city, token, "sign")
    assert (first.status, second.status) == (200, 200)
    assert "办理成功" in first.text
    assert "先前已经办理" in second.text
    assert await copy_of(city, document, "E01") == ("signed", clerk.person_id)
    assert [line["device"] for line in city.trace("document.sign")] == ["短信链接"]
    (line,) = city.trace("short_link.use")
    assert (line["channel"], line["act"]) == ("sms_link", "sign")
    page = await ask(city, "GET", token)
    assert page.acts == []
    assert "已签收" in page.text


async def test_a_colleague_was_first(city: City) -> None:
    """The page tells who signed and when; the tap is refused with the same, and nothing is consumed."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    await tap(city, await told(city, document, "e01b"), "sign")
    page = await ask(city, "GET", token)
    assert page.acts == []
    assert "本单位已由政府办乙于" in page.text
    late = await tap(city, token, "sign")
    assert late.status == 409
    assert "政府办乙" in late.text
    assert len(city.rows("select * from short_link_use")) == 1


async def test_two_taps_at_once_are_one(city: City) -> None:
    """However many taps come together, the fact is written once and everybody is told so."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    pages = await asyncio.gather(*(tap(city, token, "sign") for _ in range(8)))
    assert {one.status for one in pages} == {200}
    assert sum("办理成功" in one.text for one in pages) == 1
    assert len(city.trace("document.sign")) == len(city.trace("short_link.use")) == 1


async def test_a_reader_takes_note(city: City) -> None:
    """Who has no duty notes the document as read: the same as opening it in the system."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01l")
    assert (await ask(city, "GET", token)).acts == ["read"]
    assert (await tap(city, token, "sign")).status == 409
    assert "已阅" in (await tap(city, token, "read")).text
    leader = await city.person("e01l")
    (item,) = (await leader.get("/inbox/entries")).json["items"]
    assert item["state"] == "read"


@pytest.mark.parametrize(
    ("said", "detail", "name", "mode_zh"),
    [
        ("attend", "", "政府办甲", "参会"),
        ("substitute", "李强", "李强", "替会"),
        ("leave", "出差", "政府办甲", "请假"),
    ],
)
async def test_a_meeting_is_answered(city: City, said: str, detail: str, name: str, mode_zh: str) -> None:
    """The clerk's tap puts the unit's line on the roster, as the receipt by the system does; and the sign-for stays open."""
    document = await called(city, ["E01"])
    token = await told(city, document, "e01a")
    page = await ask(city, "GET", token)
    assert page.acts == ["sign", "attend", "substitute", "leave"]
    answered = await tap(city, token, "answer", said, detail)
    assert answered.status == 200, answered.text
    (row,) = (await roster(await city.person("org"), document))["rows"]
    assert (row["name"], row["mode_zh"]) == (name, mode_zh)
    again = await tap(city, token, "answer", "leave", "另有任务")
    assert "先前已经办理" in again.text
    assert len((await roster(await city.person("org"), document))["rows"]) == 1
    assert (await ask(city, "GET", token)).acts == ["sign"]


async def test_a_personal_meeting_is_answered_by_everybody(city: City) -> None:
    """Where each person is asked, the link answers for the person alone."""
    document = await called(city, ["E01"], personal=True)
    await tap(city, await told(city, document, "e01l"), "answer", "leave", "出差")
    (line,) = (await roster(await city.person("org"), document))["personal"]
    assert (line["name"], line["answer"], line["reason"]) == ("政府办丙", "leave", "出差")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"act": "answer", "said": "substitute"}, 422),
        ({"act": "answer", "said": "leave", "detail": "　"}, 422),
        ({"act": "answer", "said": "substitute", "detail": "名" * 31}, 422),
        ({"act": "answer", "said": "maybe"}, 400),
        ({"act": "return"}, 400),
        ({"act": "sign", "unit": "3"}, 400),
        ({}, 400),
    ],
)
async def test_a_wrong_form_is_told(city: City, form: dict[str, str], status: int) -> None:
    """A page says what is missing; nothing is done and the link stays good."""
    document = await called(city, ["E01"])
    token = await told(city, document, "e01a")
    page = await ask(city, "POST", token, form)
    assert (page.status, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert city.rows("select * from short_link_use") == []


async def test_forged_and_foreign_links_open_nothing(city: City) -> None:
    """A changed character, another person's order, no token at all: the same page, whatever follows the address."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    changed = token[:5] + ("a" if token[5] != "a" else "b") + token[6:]
    for wrong in (changed, token[:-1], token + "0", "0" * 23, "x"):
        for page in (await ask(city, "GET", wrong), await tap(city, wrong, "sign")):
            assert (page.status, "链接无效" in page.text) == (404, True)
    assert (await ask(city, "GET", token, query="?from=singlemessage&isappinstalled=0")).status == 200
    assert await copy_of(city, document, "E01") == ("unsigned", None)


async def test_late_and_recalled_links_say_so(city: City) -> None:
    """After its hour a link tells where to go; one of a recalled document that nothing is to be done."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a", hours=2)
    sender = await city.person("s01a")
    recalled = await sender.post(f"/documents/{document}/recall", {"reason": "文号有误"})
    assert recalled.status < 300, recalled.json
    for page in (await ask(city, "GET", token), await tap(city, token, "sign")):
        assert (page.status, "文件已撤回" in page.text) == (409, True)
    city.clock.forward(hours=3)
    for page in (await ask(city, "GET", token), await tap(city, token, "sign")):
        assert (page.status, "链接已过期" in page.text) == (410, True)


async def test_who_left_the_unit_can_do_nothing(city: City) -> None:
    """A frozen account's link offers nothing, though the message is still on the phone."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    account = await city.server.parts.access.account("e01a")
    await (await city.person("admin")).post(f"/accounts/{account.id}/freeze", {})
    for page in (await ask(city, "GET", token), await tap(city, token, "sign")):
        assert (page.status, "不能用此链接办理" in page.text) == (403, True)
    assert await copy_of(city, document, "E01") == ("unsigned", None)


async def test_guessing_is_slowed_down(city: City) -> None:
    """After so many wrong links an address has to wait; a minute later it may ask again."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    for _ in range(FAILURES_PER_MINUTE):
        assert (await ask(city, "GET", "0" * 23)).status == 404
    page = await ask(city, "GET", token)
    assert (page.status, page.headers["Retry-After"]) == (429, "60")
    city.clock.forward(hours=0.02)
    assert (await ask(city, "GET", token)).status == 200


async def test_no_log_line_holds_a_link(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the log cannot act with what stands there."""
    token = await told(city, await sent(city, ["E01"]), "e01a")
    await ask(city, "GET", token)
    await ask(city, "PUT", token)
    lines = capsys.readouterr().out
    assert lines.count("/s/****") == 2
    assert token not in lines


async def test_switched_off_there_are_no_links(city: City) -> None:
    """Without the setting every link is invalid, also one that was good before."""
    document = await sent(city, ["E01"])
    token = await told(city, document, "e01a")
    house = city.house
    house.settings = msgspec.structs.replace(house.settings, sms=Sms())
    assert (await ask(city, "GET", token)).status == 404


async def test_the_message_that_left_holds_a_link_that_opens(tmp_path: Path) -> None:
    """From the tick box to the tap: the text has its counted length, and its link signs for the document."""
    texts: dict[str, str] = {}

    async def take(request: web.Request) -> web.Response:
        told = await request.json()
        texts[told["to"]] = told["text"]
        return web.Response(body=b'{"code":0,"id":"x%d"}' % len(texts))

    app = web.Application()
    app.router.add_post("/messages", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    table = channel("http", 0, url=f"http://127.0.0.1:{runner.addresses[0][1]}/messages")
    async with sms_city(tmp_path, table, tmp_path / "none.csv", short_link=True) as city:
        document = await sent(city, ["E01"])
        await city.until(lambda: city.states() == {"accepted": 3})
        ((kept,),) = city.rows("select text from alert")
        assert {len(text) for text in texts.values()} == {len(kept)}
        tokens = [re.findall(r"/s/(\w{23})\b", text) for text in texts.values()]
        pages = [await ask(city, "GET", token) for (token,) in tokens]
        assert sorted(page.acts for page in pages) == [["read"], ["sign"], ["sign"]]
        (clerk, *_) = [token for (token,), page in zip(tokens, pages, strict=True) if page.acts == ["sign"]]
        assert (await tap(city, clerk, "sign")).status == 200
        assert (await copy_of(city, document, "E01"))[0] == "signed"
    await runner.cleanup()
