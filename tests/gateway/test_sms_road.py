"""The whole road of short messages: a document with a reminder, a simulated carrier, reports, the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from push.sms.simulator.office import Plan, opened
from push.sms.simulator.protocols import Name
from push.sms.simulator.sgip_push import Listening
from tests.faults.server import free_port
from tests.gateway.sms_city import ACCOUNT, QUICK, SECRET, channel, sms_city

SGIP = {"node": 3_093_399_999, "corp_id": "99999"}
SPOKEN: dict[str, Name] = {"cmpp2": "cmpp", "cmpp3": "cmpp", "smgp": "smgp", "smpp": "smpp", "sgip": "sgip"}


@pytest.mark.parametrize("protocol", SPOKEN)
async def test_from_the_tick_box_to_the_ledger(protocol: str, tmp_path: Path) -> None:
    """Each addressed person gets one message; it is delivered, charged once, and the ledger is the carrier's invoice."""
    detail, listening, name = tmp_path / "detail.csv", free_port(), SPOKEN[protocol]
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
