"""`songda sms replies`: what phones answered, for whom it concerns."""

from __future__ import annotations

import asyncio
import json

from gateway.assembly import open_offline
from gateway.flows.sms_replies import ReplyDesk
from push.sms.carrier import Reply
from tests.cli.conftest import Town


async def _came(town: Town, texts: list[str]) -> None:
    """Replies of a strange phone, taken beside the running server."""
    async with open_offline(town.data) as parts:
        desk = ReplyDesk(parts.house)
        told = [
            Reply(sender="13900001111", source="10690001", content=text.encode("utf-16-be"), coding="ucs2")
            for text in texts
        ]
        await desk.take("mobile-1", [(one, parts.house.clock()) for one in told])


def test_unmatched_replies_are_shown(town: Town) -> None:
    """The administrator of the house sees them as a table and as JSON, the newest first and no more than wanted."""
    asyncio.run(_came(town, ["你好", "几点开会？"]))
    shown = town.done("sms", "replies", who="admin")
    assert "未对应的短信回复" in shown
    assert "139****1111" in shown
    told = json.loads(town.done("sms", "replies", "--limit", "1", "--json", who="admin"))
    assert [one["text"] for one in told["items"]] == ["几点开会？"]
    refused = town.songda("sms", "replies", who="eclerk")
    assert refused.exit_code == 1
    assert "查看未对应的短信回复" in refused.output
