"""The whole road of alerts to devices: registered, ordered with the fan-out, judged when they leave, settled, pruned."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.push_city import push_city


async def test_who_is_offline_is_alerted(tmp_path: Path) -> None:
    """Each device of an addressed person gets one alert; it is accepted, and nobody else is alerted."""
    async with push_city(tmp_path) as city:
        for login in ("e01a", "e01l", "w01a"):
            await city.device(login)
        await city.send(["E01"])
        await city.until(lambda: city.states() == {"accepted": 2})
        assert city.office.counts["xiaomi"]["accept"] >= 1


async def test_who_opened_it_meanwhile_is_not_alerted(tmp_path: Path) -> None:
    """In quiet hours an alert waits; whoever has opened the document by their end gets none."""
    async with push_city(tmp_path, push={"quiet_hours": "08:00-10:00"}) as city:
        await city.device("e01a")
        document_id = await city.send(["E01"])
        await city.until(lambda: city.reasons() == {"quiet_hours"})
        clerk = await city.person("e01a")
        assert (await clerk.post(f"/documents/{document_id}/open")).status < 300
        city.clock.forward(hours=1.1)
        await city.until(lambda: city.states() == {"cancelled": 1})
        assert city.reasons() == {"opened"}


async def test_a_person_may_do_without_ordinary_alerts(tmp_path: Path) -> None:
    """What is ordinary can be switched off; what is extra urgent always comes."""
    async with push_city(tmp_path) as city:
        await city.device("e01a")
        clerk = await city.person("e01a")
        await clerk.put("/preferences", {"push_ordinary": False})
        await city.send(["E01"])
        await city.until(lambda: city.states() == {"cancelled": 1})
        assert city.reasons() == {"preference"}
        await city.send(["E01"], urgency="extra_urgent")
        await city.until(lambda: city.states() == {"cancelled": 1, "accepted": 1})


async def test_ordinary_alerts_come_as_one(tmp_path: Path) -> None:
    """Within the minutes a person asked for, several ordinary documents are told by one alert."""
    async with push_city(tmp_path) as city:
        await city.device("e01a")
        await (await city.person("e01a")).put("/preferences", {"digest_minutes": 30})
        for _ in range(3):
            await city.send(["E01"])
        await city.until(lambda: city.reasons() == {"digest"})
        city.clock.forward(hours=0.51)
        await city.until(lambda: city.states() == {"accepted": 1, "merged": 2})


async def test_a_removed_device_is_left_alone(tmp_path: Path) -> None:
    """A device that its person removed gets nothing, and another's device cannot be removed."""
    async with push_city(tmp_path) as city:
        mine, other = await city.device("e01a"), await city.device("w01a")
        clerk = await city.person("e01a")
        assert (await clerk.ask("DELETE", f"/devices/{other}")).status == 404
        assert (await clerk.ask("DELETE", f"/devices/{mine}")).status == 204
        await city.send(["E01"])
        shown = (await clerk.get("/devices")).json["devices"]
        assert [one["gone_why"] for one in shown] == ["removed"]
        assert city.states() == {}


async def test_an_unknown_vendor_is_refused(tmp_path: Path) -> None:
    """A device of a vendor that is not set up is refused with what to do; nothing is kept."""
    async with push_city(tmp_path) as city:
        told = await (await city.person("e01a")).post("/devices", {"vendor": "apns", "token": "ab" * 32})
        assert told.code == "device_invalid"
        assert city.rows("select count(*) from device") == [(0,)]


async def test_everybody_may_know_why(tmp_path: Path) -> None:
    """A person, and who follows the document, is told each alert with its reason; to others the document is not there."""
    async with push_city(tmp_path) as city:
        await city.device("e01a")
        document_id = await city.send(["E01"])
        await city.until(lambda: city.states() == {"accepted": 1})
        ((person_id,), (other_id,)) = city.rows(
            "select id from person where code in ('e01a', 'e01b') order by code"
        )
        clerk, sender, stranger = await city.people("e01a", "s01a", "w01a")
        told = (await clerk.get(f"/documents/{document_id}/why/{person_id}")).json
        assert [one["words"] for one in told["orders"]] == ["xiaomi 推送（办公手机）：已发出"]
        assert told["orders"][0]["policy"].startswith("1;")
        told = (await sender.get(f"/documents/{document_id}/why/{other_id}")).json
        assert "没有登记的设备" in told["summary"]
        assert (await stranger.get(f"/documents/{document_id}/why/{person_id}")).status == 404


async def test_a_receipt_means_delivered(tmp_path: Path) -> None:
    """A vendor's receipt with our mark counts as delivered; one without it is refused and changes nothing."""
    async with push_city(tmp_path, receipts=True) as city:
        await city.device("e01a")
        await city.send(["E01"])
        await city.until(lambda: city.states() == {"delivered": 1})
        url = f"http://127.0.0.1:{city.server.port}/api/v1/push/callbacks/xiaomi"
        form = {"data": '{"x1": {"param": "forged", "type": 1, "targets": "t"}}'}
        async with city.session.post(url, data=form) as answer:
            assert answer.status == 401
