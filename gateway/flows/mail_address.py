"""A person's own mail address: told, proved by a code that was sent to it, taken away."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import msgspec

from config.checks import mail_address
from gateway.flows.mail_out import MailHouse
from gateway.house import Act, House
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.mails import AskedAddress, MailAddress
from inbox_store.programs import mail_addresses as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.times import US, moment

CODE_MINUTES: Final = 15
CODE_DIGITS: Final = 6


class MailSetting(msgspec.Struct, frozen=True, kw_only=True):
    """本人的提醒邮箱；地址只显示首字和域名，waiting 为等待验证的地址，bad_at 起因退信停发"""

    address: str
    verified_at: datetime | None
    ordinary: bool
    bad_at: datetime | None
    waiting: str


def masked(address: str) -> str:
    """z***@example.gov.cn: how an address is shown, also to its owner (ASVS 14.2.6)."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


async def shown(house: House, person_id: int) -> MailSetting:
    """What is set."""
    engine, vault = house.store.engine, house.store.keys.phones
    kept: MailAddress | None = await engine.read(programs.address_of(person_id))
    asked: AskedAddress | None = await engine.read(programs.asked_of(person_id))
    return MailSetting(
        address=masked(vault.open(kept.address_sealed, kept.address_key)) if kept else "",
        verified_at=moment(kept.verified_at) if kept else None,
        ordinary=bool(kept.ordinary) if kept else True,
        bad_at=moment(kept.bad_at) if kept and kept.bad_at is not None else None,
        waiting=masked(vault.open(asked.address_sealed, asked.address_key)) if asked else "",
    )


def _hashed(house: House, person_id: int, code: str) -> bytes:
    told = f"mail code:{person_id}:{code}".encode()
    return hmac.digest(house.store.keys.codes, told, hashlib.sha256)


async def ask(house: House, mail: MailHouse, act: Act, address: str) -> Answer:
    """Have an address proved: a code goes to it at once. Raises field_invalid, throttled, mail_off, mail_unreachable, mail_refused."""
    if reason := mail_address(address):
        raise Refused("field_invalid", field="address", reason=reason)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    if mail.sender is None:
        raise Refused("mail_off")
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    until = act.now + CODE_MINUTES * 60 * US
    fact = programs.ask(
        act.person_id, address, _hashed(house, act.person_id, code), until, house.store.keys.phones, act.now
    )
    engine = house.store.engine
    await engine.write(fact)
    try:
        await mail.send_code(address, code, CODE_MINUTES)
    except Refused:
        # Apart from the key: what was not sent is not asked, and may be tried again at once.
        await engine.write(programs.withdraw(act.person_id))
        raise
    return await house.once(act, _nothing(), lambda _: None, 204)


def _nothing() -> Program[None]:
    """A fact that only keeps its key."""
    return
    yield


async def prove(house: House, act: Act, code: str) -> Answer:
    """The code that came by mail. Raises Refused("mail_code_invalid")."""
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    # Apart from the key: a wrong code is counted, which a refusal would undo.
    held = await house.store.engine.write(
        programs.prove(act.actor, _hashed(house, act.person_id, code), act.now)
    )
    if not held:
        raise Refused("mail_code_invalid")
    return await house.once(act, _nothing(), lambda _: None, 204)


async def prefer(house: House, act: Act, *, ordinary: bool) -> Answer:
    """Whether ordinary alerts come by mail."""
    return await house.once(act, programs.ordinary(act.person_id, wanted=ordinary), lambda _: None, 204)


async def drop(house: House, act: Act) -> Answer:
    """No mail at all."""
    return await house.once(act, programs.drop(act.actor), lambda _: None, 204)
