"""The whole road of short messages: a document with a reminder, a simulated carrier, reports, the ledger."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from push.sms.simulator.office import Plan, opened
from push.sms.simulator.script import Case
from push.sms.simulator.sgip_push import Listening
from tests.api.conftest import slip
from tests.faults.server import free_port
from tests.gateway.sms_city import ACCOUNT, PROTOCOLS, QUICK, SECRET, channel, city_over, sms_city

TWO = {"one": SECRET, "two": SECRET}
SGIP = {"node": 3_093_399_999, "corp_id": "99999"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_from_the_tick_box_to_the_ledger(protocol: str, tmp_path: Path) -> None:
    """Each addressed person gets one message; it is delivered, charged once, and the ledger is the carrier's invoice."""
    detail, listening, name = tmp_path / "detail.csv", free_port(), PROTOCOLS[protocol]
    plan = Plan(
        ports={name: 0},
        accounts={ACCOUNT: SECRET},
        script=QUICK,
        detail=detail,
        listeners={ACCOUNT: Listening("127.0.0.1", listening, ACCOUNT, SECRET)} if name == "sgip" else {},
    )
    more = {**SGIP, "listen_port": listening, "listen_host": "127.0.0.1"} if name == "sgip" else {}
    async with opened(plan) as office:
        channels = channel(protocol, office.ports[name], **more)
        async with sms_city(tmp_path, channels, detail) as city:
            await city.send(["E01", "W01"], sender="s01a", sms_reminder=True)
            ordered = sum(city.states().values())
            assert ordered == 6, "two clerks and the responsible leader of each unit"
            await city.until(lambda: city.states() == {"delivered": ordered})
            assert sorted(city.charged()) == sorted(city.billed())
            assert len(city.billed()) == ordered
            ((amount,),) = city.rows("select sum(amount_li) from charge_sum")
            ((ceiling,),) = city.rows("select amount_li from dispatch")
            assert amount == ceiling == ordered * 50


TITLE = "关于" + "做好汛期值班和值守工作" * 9 + "的函"


async def test_a_preview_is_what_is_charged(tmp_path: Path) -> None:
    """Where all is sent and nothing suppressed, the ceiling of the preview is the charge to the li, long texts too."""
    async with city_over(tmp_path, "smgp") as city:
        sender = await city.person("s01a")
        body = slip(["E01", "E02", "W03"], title=TITLE, sensitivity="public", sms_reminder=True)
        told = (await sender.post("/dispatches/preview", body)).json["figures"]
        assert told["segments_ceiling"] == 2 * told["messages"]
        document_id = await city.send(
            ["E01", "E02", "W03"], title=TITLE, sensitivity="public", sms_reminder=True
        )
        await city.until(lambda: set(city.states()) == {"delivered"})
        seen = (await sender.get(f"/documents/{document_id}/sms")).json
        assert (seen["charged_segments"], seen["amount_li"]) == (
            told["segments_ceiling"],
            told["amount_li_ceiling"],
        )
        assert sorted(city.charged()) == sorted(city.billed())


async def test_what_was_taken_back_never_leaves(tmp_path: Path) -> None:
    """Messages that still wait when their document is recalled are cancelled; nobody is charged for them."""
    async with city_over(tmp_path, "cmpp3", sms={"quiet_hours": "08:00-10:00"}) as city:
        document_id = await city.send(["E01"], sms_reminder=True)
        await city.until(lambda: city.rows("select distinct reason from sms_order") == [("quiet_hours",)])
        sender = await city.person("s01a")
        await sender.post(f"/documents/{document_id}/recall", {"reason": "内容有误"})
        city.clock.forward(hours=2)
        await city.until(lambda: city.states() == {"cancelled": 3})
        assert city.billed() == city.charged() == []


async def test_a_reminder_that_nobody_took_in_time_is_told_as_expired(tmp_path: Path) -> None:
    """While no channel is up messages wait; when they are too late they are listed as expired and never leave."""
    detail = tmp_path / "detail.csv"
    channels = channel("cmpp3", free_port())
    async with sms_city(tmp_path, channels, detail, lives=("arrival=120",)) as city:
        await city.send(["E01"], sms_reminder=True)
        city.clock.forward(hours=2)
        await city.server.sms.sweep_step()
        assert city.states() == {"expired": 3}


async def test_another_carrier_serves_a_number_that_was_ported(tmp_path: Path) -> None:
    """A gateway that does not serve a number says so: the next carrier's turn, at once, and it is remembered."""
    detail = tmp_path / "detail.csv"
    ported = replace(QUICK, cases=(Case(prefix="138", answer="refuse", code=9),))
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            opened(Plan(ports={"cmpp": 0}, accounts={ACCOUNT: SECRET}, script=ported))
        )
        second = await stack.enter_async_context(
            opened(Plan(ports={"smgp": 0}, accounts={ACCOUNT: SECRET}, script=QUICK, detail=detail))
        )
        channels = channel("cmpp3", first.ports["cmpp"], carriers=["mobile"]) + channel(
            "smgp", second.ports["smgp"], name="two", carriers=["telecom"]
        )
        city = await stack.enter_async_context(sms_city(tmp_path, channels, detail, secrets=TWO))
        await city.send(["E01"], sms_reminder=True)
        await city.until(lambda: city.states() == {"delivered": 3})
        assert city.rows("select distinct channel from charge_line") == [("two",)]
        assert city.rows("select distinct route from phone_state") == [("telecom",)]
        assert len(city.charged()) == len(city.billed()) == 3
        await city.send(["E01"], sms_reminder=True)
        await city.until(lambda: city.states() == {"delivered": 6})
        assert city.rows("select count(*) from sms_attempt where channel = 'one'") == [(3,)]


async def test_two_channels_share_a_carrier(tmp_path: Path) -> None:
    """Of what two channels may both send each takes some, the heavier one no less."""
    detail = tmp_path / "detail.csv"
    plan = Plan(ports={"cmpp": 0, "smpp": 0}, accounts={ACCOUNT: SECRET}, script=QUICK, detail=detail)
    async with opened(plan) as office:
        channels = channel("cmpp3", office.ports["cmpp"], weight=30, window=4) + channel(
            "smpp", office.ports["smpp"], name="two", weight=10, window=4
        )
        async with sms_city(tmp_path, channels, detail, secrets=TWO) as city:
            await city.until(lambda: all(one.state.up for one in city.server.sms.senders.values()))
            await city.send(["E01", "E02", "E03", "W01", "W02"], sms_reminder=True)
            await city.until(lambda: set(city.states()) == {"delivered"})
            shares = dict(city.rows("select channel, count(*) from sms_attempt group by channel"))
            assert sum(shares.values()) == len(city.billed())
            assert shares["one"] >= shares["two"] > 0


async def test_what_still_waits_takes_the_channel_that_is_left(tmp_path: Path) -> None:
    """A channel that is down keeps nothing back: another one sends what waits, and what was in doubt stays so."""
    detail = tmp_path / "detail.csv"
    dying = replace(QUICK, cases=(Case(at=(3,), answer="drop_accepted"),))
    async with AsyncExitStack() as stack:
        plan = Plan(
            ports={"cmpp": 0}, accounts={ACCOUNT: SECRET}, script=dying, detail=tmp_path / "dying.csv"
        )
        first = await stack.enter_async_context(opened(plan))
        second = await stack.enter_async_context(
            opened(Plan(ports={"smgp": 0}, accounts={ACCOUNT: SECRET}, script=QUICK, detail=detail))
        )
        channels = channel("cmpp3", first.ports["cmpp"], weight=100, window=2) + channel(
            "smgp", second.ports["smgp"], name="two", weight=0
        )
        city = await stack.enter_async_context(sms_city(tmp_path, channels, detail, secrets=TWO))
        await city.until(lambda: city.server.sms.senders["one"].state.up)
        await city.send(["E01", "E02", "W01", "W02"], sms_reminder=True)
        await city.until(lambda: not {"waiting", "sending"} & set(city.states()))
        doubts = city.states().get("in_doubt", 0)
        assert 1 <= doubts <= 2, "no more than the window"
        assert city.rows("select count(*) from sms_attempt where state = 'in_doubt'") == [(doubts,)]
        await city.until(lambda: city.states().get("delivered", 0) == sum(city.states().values()) - doubts)


async def test_a_report_settles_what_was_in_doubt(tmp_path: Path) -> None:
    """A report for a number with one message in doubt, and nothing under way, can only be that message's: charged once."""
    script = replace(QUICK, cases=(Case(at=(1, 2, 3), answer="drop_accepted"),))
    async with city_over(tmp_path, "smpp", script, window=1) as city:
        await city.send(["E01"], sms_reminder=True)
        await city.until(
            lambda: (
                city.states() == {"in_doubt": 3} and city.rows("select count(*) from sms_report") == [(3,)]
            )
        )
        assert city.charged() == []
        city.clock.forward(hours=0.1)
        await city.server.sms.sweep_step()
        assert city.states() == {"delivered": 3}
        assert sorted(city.charged()) == sorted(city.billed())


async def test_a_gateway_that_signs_by_itself_gets_the_text_without_signature(tmp_path: Path) -> None:
    """The signature is counted and not sent where the gateway adds it; the count in the preview is the same."""
    async with city_over(tmp_path, "cmpp3", adds_signature=True) as city:
        await city.send(["E01"], title=TITLE, sensitivity="public", sms_reminder=True)
        await city.until(lambda: set(city.states()) == {"delivered"})
        assert city.rows("select distinct segments from sms_order") == [(2,)]
        assert len(city.billed()) == len(city.charged()) == 6


async def test_a_reply_stands_in_the_roster(tmp_path: Path) -> None:
    """Who answers 1 to a meeting's message attends: the organiser's roster shows it without anything else to do."""
    script = replace(QUICK, cases=(Case(prefix="138", reply="1"),))
    async with city_over(tmp_path, "cmpp3", script, extension_digits=3) as city:
        form = {
            "place": "三楼会议室",
            "starts_at": "2026-06-05T09:00:00+08:00",
            "reply_due_at": "2026-06-04T18:00:00+08:00",
            "seats": 5,
        }
        document_id = await city.send(
            ["E01"], kind="meeting_notice", meeting=form, sms_reminder=True, doc_no="会〔2026〕1号"
        )
        assert "回复1参会" in city.rows("select text from alert")[0][0]
        await city.until(lambda: city.rows("select count(*) from sms_reply") == [(3,)])
        roster = (await (await city.person("s01a")).get(f"/meetings/{document_id}/roster")).json
        assert roster["summary"]["answered"] == 1
        assert roster["summary"]["attending"] >= 1
