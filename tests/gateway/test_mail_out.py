"""Alerts by mail over the whole road: out to a relay, its reports back in by the door, addresses proved and given up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from config.faults import ConfigFault
from config.mail_settings import Mail
from config.settings import Settings
from gateway.flows.mail_out import relay_of
from inbox_store.messages import NewAlert
from inbox_store.programs import mail as programs
from inbox_store.programs import mail_addresses, sms
from inbox_store.times import DAY_US
from tests.api.conftest import WAIT_S, Person
from tests.gateway.mail_city import MailCity, mail_city
from tests.push.mail_world import FarRelay, Server, far_relay
from tests.push.test_mail_compose import report


@asynccontextmanager
async def ways(folder: Path, **replies: list[object]) -> AsyncIterator[tuple[MailCity, FarRelay]]:
    """The city with a relay that says these things first."""
    far = FarRelay(replies=replies)  # type: ignore[arg-type]  # words or steps
    async with far_relay(far) as relay, mail_city(folder, relay) as city:
        yield city, far


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, with a deadline."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - the store tells nobody outside
            await asyncio.sleep(0.01)


async def person_id(city: MailCity, login: str) -> int:
    """Whose login it is."""
    return (await city.server.parts.access.account(login)).person_id


async def alerted(city: MailCity, login: str, text: str = "您有1份平件公文待签收", **more: object) -> None:
    """An alert to a person with an address, by mail."""
    house, now = city.house, city.clock.now
    person = await person_id(city, login)
    await house.store.engine.write(
        mail_addresses.store(person, f"{login}@office.example", house.store.keys.phones, now)
    )
    told: dict[str, object] = {"kind": "arrival", "urgency": "ordinary", "priority": 2, **more}
    alert = NewAlert(
        unit_id=city.units["S01"],
        text=text,
        segments=1,
        expires_at=now + DAY_US,
        **told,  # type: ignore[arg-type]
    )
    alert_id = await house.store.engine.write(sms.add_alert(alert, 0, now))
    await house.store.engine.write(programs.order(alert_id, [(person, city.units["E01"])], now))
    city.server.mail.wake.set()


def states(city: MailCity) -> list[str]:
    """The orders' states."""
    return [row[0] for row in city.rows("select state from mail_order order by id")]


def read(content: bytes) -> EmailMessage:
    """A mail as it arrived."""
    told = message_from_bytes(content, policy=default)
    assert isinstance(told, EmailMessage)
    return told


async def test_an_alert_goes_out_and_its_report_comes_back(tmp_path: Path) -> None:
    """The mail arrives once; a relay's report, handed in by the door to the address in its envelope, settles the order."""
    async with ways(tmp_path) as (city, far):
        await alerted(city, "e01a")
        await until(lambda: states(city) == ["accepted"])
        (taken,) = far.taken
        assert (read(far.contents[0])["Subject"], taken.rcpt_tos) == (
            "您有1份平件公文待签收",
            ["e01a@office.example"],
        )
        back = str(taken.mail_from)
        word = await city.mail(await city.key(), report("delivered", "2.0.0"), back, sender="")
        assert (word, states(city)) == ("2.0.0 noted", ["delivered"])
        await city.mail(await city.key(), report("failed"), back, sender="")
        assert states(city) == ["delivered"]
        assert city.rows("select count(*) from mail_draft") == [(0,)]


async def test_a_mail_put_off_comes_again(tmp_path: Path) -> None:
    """What the relay put off waits its time and leaves as the same mail."""
    async with ways(tmp_path, RCPT=["450 4.7.1 greylisted"]) as (city, far):
        await alerted(city, "e01a")
        await until(
            lambda: states(city) == ["waiting"] and city.rows("select tries from mail_order") == [(1,)]
        )
        city.clock.forward(hours=1)
        await until(lambda: states(city) == ["accepted"])
        assert city.rows("select count(distinct mark), count(*) from mail_attempt") == [(1, 2)]
        assert len(far.taken) == 1


async def _hung_up(server: Server, _step: str) -> str | None:
    server.hang_up()
    return "250 never heard"


async def test_what_is_in_doubt_goes_once_more_under_its_id(tmp_path: Path) -> None:
    """A relay that took the mail and died without a word gets it once more, with the same Message-ID, and no third time."""
    async with ways(tmp_path, CONTENT=[_hung_up, _hung_up]) as (city, far):
        await alerted(city, "e01a")
        await until(lambda: city.rows("select tries, state from mail_order") == [(1, "waiting")])
        city.clock.forward(hours=1)
        await until(lambda: states(city) == ["in_doubt"])
        city.clock.forward(hours=1)
        first, second = (read(content)["Message-ID"] for content in far.contents)
        assert first == second


async def test_a_dead_address_is_told(tmp_path: Path) -> None:
    """An address the relay refuses for good fails its order with the relay's code and is counted."""
    async with ways(tmp_path, RCPT=["550 5.1.1 no such user"]) as (city, _):
        await alerted(city, "e01a")
        await until(lambda: states(city) == ["failed"])
        assert city.rows("select reason from mail_order") == [("rcpt:550 5.1.1",)]
        assert city.rows("select failures, status from person_mail") == [(1, "rcpt:550 5.1.1")]


async def test_who_unsubscribes_gets_only_what_is_urgent(tmp_path: Path) -> None:
    """A mail to the address in List-Unsubscribe switches ordinary alerts off; extra urgent ones still come."""
    async with ways(tmp_path) as (city, far):
        await alerted(city, "e01a")
        await until(lambda: states(city) == ["accepted"])
        way = re.search(r"mailto:([^?]+)", str(read(far.contents[0])["List-Unsubscribe"]))
        assert way is not None
        assert (
            await city.mail(await city.key(), b"Subject: unsubscribe\r\n\r\n\r\n", way.group(1))
            == "2.0.0 noted"
        )
        await alerted(city, "e01a")
        await alerted(city, "e01a", "特急", urgency="extra_urgent", priority=0)
        await until(lambda: states(city) == ["accepted", "suppressed", "accepted"])
        assert read(far.contents[1])["List-Unsubscribe"] is None


async def _code(far: FarRelay) -> str:
    body = read(far.contents[-1]).get_body(("plain",))
    assert body is not None
    found = re.search(r"验证码 ([0-9]{6})", body.get_content())
    assert found is not None
    return found.group(1)


async def _set(person: Person, far: FarRelay, address: str) -> None:
    assert (await person.put("/account/mail", {"address": address})).status == 204
    assert (await person.post("/account/mail/verify", {"code": await _code(far)})).status == 204


async def test_an_address_is_told_proved_and_forgotten(tmp_path: Path) -> None:
    """The code goes to the address and comes back; the address is shown masked; wrong codes and second tries are refused."""
    async with ways(tmp_path) as (city, far):
        person = await city.person("e01a")
        assert (await person.get("/account/mail")).json["address"] == ""
        await _set(person, far, "zhang@office.example")
        told = (await person.get("/account/mail")).json
        assert (told["address"], told["waiting"], told["ordinary"]) == ("z***@office.example", "", True)
        soon = await person.put("/account/mail", {"address": "li@office.example"})
        assert soon.status == 204
        assert (await person.put("/account/mail", {"address": "li@office.example"})).code == "throttled"
        wrong = f"{(int(await _code(far)) + 1) % 10**6:06d}"
        assert (await person.post("/account/mail/verify", {"code": wrong})).code == "mail_code_invalid"
        assert (await person.get("/account/mail")).json["address"] == "z***@office.example"
        assert (await person.post("/account/mail/wish", {"ordinary": False})).status == 204
        assert (await person.get("/account/mail")).json["ordinary"] is False
        assert (await person.ask("DELETE", "/account/mail")).status == 204
        assert (await person.get("/account/mail")).json["address"] == ""
        assert city.rows("select count(*) from person_mail_asked") == [(0,)]


@pytest.mark.parametrize(
    "address", ["zhang", "a@b@c.example", "<a@b.example>", "a@b.example\r\nRCPT TO:<e@x.example>"]
)
async def test_only_an_address_is_written_to(tmp_path: Path, address: str) -> None:
    """What is no address is refused before anything is sent."""
    async with ways(tmp_path) as (city, far):
        told = await (await city.person("e01a")).put("/account/mail", {"address": address})
        assert (told.code, far.sessions) == ("field_invalid", 0)


async def test_a_code_that_could_not_be_sent_is_asked_for_again(tmp_path: Path) -> None:
    """Where the relay puts the code off or refuses the address nothing waits, and the same call may be made again."""
    async with ways(tmp_path, RCPT=["450 4.7.1 later", "550 5.1.1 no such user"]) as (city, far):
        person = await city.person("e01a")
        body = {"address": "zhang@office.example"}
        told = [await person.ask("PUT", "/account/mail", body, key="ask-again-1") for _ in range(3)]
        assert [one.status for one in told] == [503, 422, 204]
        assert told[1].code == "mail_refused"
        assert (await person.post("/account/mail/verify", {"code": await _code(far)})).status == 204


async def test_without_a_relay_it_is_said(tmp_path: Path) -> None:
    """A house without a relay says so, and waits with its orders."""
    async with mail_city(tmp_path) as city:
        person = await city.person("e01a")
        assert (await person.put("/account/mail", {"address": "a@b.example"})).code == "mail_off"


async def test_a_units_rule_is_set_by_who_gives_keys(tmp_path: Path) -> None:
    """Only the security administrator's role reaches a unit's rule; kinds that a mail cannot fill are refused."""
    async with mail_city(tmp_path) as city:
        clerk = await city.person("s01a")
        path = f"/units/{city.units['S01']}/mail-rule"
        assert (await clerk.get(path)).status == 403
        assert (await clerk.put(path, {"mode": "dispatch"})).status == 403


def test_the_relays_password_is_in_a_file(tmp_path: Path) -> None:
    """An account without its password's file stops the start and says which file is missing."""
    from config.settings import Store as StoreSettings  # noqa: PLC0415

    settings = Settings(
        mail=Mail(host="relay.example", user="songda"), store=StoreSettings(path=str(tmp_path))
    )
    with pytest.raises(ConfigFault, match=r"mail\.secret"):
        relay_of(settings)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "mail.secret").write_text("secret\n")
    (tmp_path / "keys" / "mail.secret").chmod(0o600)
    assert relay_of(settings).password == "secret"


async def test_a_document_is_told_by_mail(tmp_path: Path) -> None:
    """Who has an address gets extra urgent documents at once, and ordinary ones together at the end of their window."""
    async with ways(tmp_path) as (city, far):
        house, person = city.house, await person_id(city, "e01a")
        vault, now = house.store.keys.phones, city.clock.now
        await house.store.engine.write(mail_addresses.store(person, "e01a@office.example", vault, now))
        await city.send(["E01"], urgency="extra_urgent")
        await until(lambda: states(city) == ["accepted"])
        for _ in range(2):
            await city.send(["E01"])
        assert states(city) == ["accepted", "waiting", "waiting"]
        city.clock.forward(hours=2)
        city.server.mail.wake.set()
        await until(lambda: states(city) == ["accepted"] * 3)
        assert len(far.contents) == 2
