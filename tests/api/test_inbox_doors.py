"""The inbox over the API: folders, pages, search in Chinese, catch-up, tickets."""

from __future__ import annotations

import aiohttp
import msgspec

from gateway.doors.cursors import Cursor
from gateway.flows.upkeep import merge_step
from realtime.server import LIVE_PATH
from tests.api.conftest import City, Person

FOLDERS = ["来宾报告", "上级来文", "请示报告", "传真电报", "其他来文", "信息简报", "督查督办", "办公发文"]


async def found(person: Person, **wanted: str | int) -> list[str]:
    """The titles of the entries that fit."""
    told = await person.get("/inbox/entries", **wanted)
    assert told.status == 200, told.json
    return [one["title"] for one in told.json["items"]]


async def test_folders_come_with_their_counts(city: City) -> None:
    """All eight folders are there in their order, by the sender's relation, and a signature lowers the badge."""
    document = await city.send(["E01"], title="城市来函")
    await city.send(["E01"], sender="e02a", title="县内来函")
    clerk = await city.person("e01a")
    told = (await clerk.get("/inbox")).json
    assert [one["folder_zh"] for one in told["folders"]] == FOLDERS
    counts = {one["folder"]: (one["total"], one["pending"]) for one in told["folders"] if one["total"]}
    assert counts == {"from_above": (1, 1), "other_incoming": (1, 1)}
    assert told["pending"] == 2
    await clerk.post(f"/documents/{document}/units/{city.units['E01']}/sign")
    after = (await clerk.get("/inbox")).json
    assert (after["pending"], after["position"] > told["position"]) == (1, True)
    assert await found(clerk, folder="from_above") == ["城市来函"]


async def test_pages_go_on_where_the_last_ended(city: City) -> None:
    """Pages by cursor hold every entry once, newest first, also when something arrives in between."""
    for number in range(5):
        await city.send(["E01"], title=f"第{number}号函")
    clerk = await city.person("e01a")
    first = (await clerk.get("/inbox/entries", limit=2)).json
    await city.send(["E01"], title="后到的函")
    second = (await clerk.get("/inbox/entries", limit=2, cursor=first["next"])).json
    third = (await clerk.get("/inbox/entries", limit=2, cursor=second["next"])).json
    titles = [one["title"] for page in (first, second, third) for one in page["items"]]
    assert titles == [f"第{number}号函" for number in (4, 3, 2, 1, 0)]
    assert third["next"] is None
    broken = await clerk.get("/inbox/entries", cursor=first["next"][:-2])
    assert (broken.status, broken.code) == (400, "cursor_invalid")


async def test_a_made_up_cursor_is_refused(city: City) -> None:
    """A cursor of another list, or with a place no entry can have, is no cursor."""
    clerk = await city.person("e01a")
    await city.send(["E01"])
    await city.send(["E01"])
    foreign = (await clerk.get(f"/units/{city.units['E01']}/copies", limit=1)).json["next"]
    beyond = Cursor("inbox.entries", MadeUp).encode(MadeUp(2**63))
    for cursor in (foreign, beyond):
        told = await clerk.get("/inbox/entries", cursor=cursor)
        assert (told.status, told.code) == (400, "cursor_invalid")


class MadeUp(msgspec.Struct, frozen=True):
    """A position as a stranger imagines it."""

    send_no: int


async def test_merged_and_hot_entries_are_one_list(city: City) -> None:
    """Entries that were merged per person stand in pages, counts, search and changes like the fresh ones."""
    for number in range(20):
        await city.send(["E01"], title=f"第{number:02d}号防汛函")
    while await merge_step(city.house):
        continue
    assert city.rows("select count(*) > 0 from inbox") == [(1,)]
    clerk = await city.person("e01a")
    titles = [f"第{number:02d}号防汛函" for number in reversed(range(20))]
    assert await found(clerk, limit=100) == titles
    assert await found(clerk, limit=100, q="防汛", state="to_do") == titles
    assert (await clerk.get("/inbox")).json["pending"] == 20
    changes = (await clerk.get("/inbox/changes", limit=100)).json["items"]
    assert [one["title"] for one in changes] == titles[::-1]


async def test_search_finds_chinese_text(city: City) -> None:
    """Two characters of a title, the number, or the sender find the document; what is not there is not found."""
    await city.send(["E01"], title="关于召开防汛会议的函", doc_no="云政办函〔2026〕7号")
    await city.send(["E01"], sender="w02a", title="关于教师培训的函")
    clerk = await city.person("e01a")
    assert await found(clerk, q="会议") == ["关于召开防汛会议的函"]
    assert await found(clerk, q="防汛 会议") == ["关于召开防汛会议的函"]
    assert await found(clerk, q="〔2026〕7号") == ["关于召开防汛会议的函"]
    assert await found(clerk, q="西岭县教育局") == ["关于教师培训的函"]
    assert await found(clerk, q="的函") == ["关于教师培训的函", "关于召开防汛会议的函"]
    assert await found(clerk, q="抗旱") == []
    assert await found(clerk, q="，。") == []


async def test_filters_narrow_one_another(city: City) -> None:
    """Text, state, sender and days may be asked for together."""
    first = await city.send(["E01"], title="防汛值班函")
    city.clock.forward(days=1)
    await city.send(["E01"], title="防汛物资函")
    await city.send(["E01"], sender="w02a", title="防汛演练函")
    clerk = await city.person("e01a")
    await clerk.post(f"/documents/{first}/units/{city.units['E01']}/sign")
    assert await found(clerk, q="防汛", state="done") == ["防汛值班函"]
    assert await found(clerk, q="防汛", state="to_do") == ["防汛演练函", "防汛物资函"]
    assert await found(clerk, sender_unit_id=city.units["W02"]) == ["防汛演练函"]
    assert await found(clerk, sender_unit_id=city.units["S01"], state="to_do") == ["防汛物资函"]
    assert await found(clerk, to="2026-06-01") == ["防汛值班函"]
    assert await found(clerk, **{"from": "2026-06-02", "to": "2026-06-02", "q": "物资"}) == ["防汛物资函"]


async def test_a_person_of_two_units_has_one_entry_and_two_duties(city: City) -> None:
    """One line in the inbox shows both units; it is done when both are signed for."""
    document = await city.send(["E02", "W02"])
    person = await city.person("two")
    (entry,) = (await person.get("/inbox/entries")).json["items"]
    assert [(one["unit"]["code"], one["state"]) for one in entry["units"]] == [
        ("E02", "unsigned"),
        ("W02", "unsigned"),
    ]
    states = []
    for code in ("E02", "W02"):
        await person.post(f"/documents/{document}/units/{city.units[code]}/sign")
        (entry,) = (await person.get("/inbox/entries")).json["items"]
        states.append(entry["state"])
    assert states == ["to_do", "done"]


async def test_catch_up_tells_every_change_once(city: City) -> None:
    """From a position on a client hears arrivals and changes in order and ends at the position of the inbox."""
    clerk = await city.person("e01a")
    start = (await clerk.get("/inbox")).json["position"]
    documents = [await city.send(["E01"], title=f"第{number}号函") for number in range(3)]
    first = (await clerk.get("/inbox/changes", after=start, limit=2)).json
    assert [(one["change"], one["document_id"]) for one in first["items"]] == [
        ("arrived", documents[0]),
        ("arrived", documents[1]),
    ]
    assert first["more"] is True
    second = (await clerk.get("/inbox/changes", after=first["position"])).json
    assert [one["document_id"] for one in second["items"]] == [documents[2]]
    await clerk.post(f"/documents/{documents[0]}/units/{city.units['E01']}/sign")
    third = (await clerk.get("/inbox/changes", after=second["position"])).json
    assert [(one["change"], one["state"]) for one in third["items"]] == [("state", "done")]
    assert third["items"][0]["units"][0]["signed_by"] == "政府办甲"
    last = (await clerk.get("/inbox/changes", after=third["position"])).json
    assert (last["items"], last["more"], last["position"]) == ([], False, third["position"])


async def test_a_ticket_opens_one_live_session(city: City) -> None:
    """The ticket from the API is taken by the live door of the same port, once."""
    clerk = await city.person("e01a")
    told = await clerk.post("/live/ticket")
    assert (told.status, told.json["path"]) == (200, LIVE_PATH)
    assert [await _welcomed(city, told.json["ticket"]) for _ in range(2)] == [True, False]


async def _welcomed(city: City, ticket: str) -> bool:
    url = f"http://127.0.0.1:{city.server.port}{LIVE_PATH}"
    async with city.session.ws_connect(url) as socket:
        await socket.send_json({"type": "hello", "ticket": ticket})
        message = await socket.receive(timeout=10)
        return message.type is aiohttp.WSMsgType.TEXT and '"welcome"' in message.data
