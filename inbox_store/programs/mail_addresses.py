"""Facts of a person's mail address: told, proved by a code that was sent to it, taken away, not wanted for what is ordinary."""

from __future__ import annotations

import hmac
from typing import Final

from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault
from inbox_store.mails import AskedAddress, MailAddress
from inbox_store.programs.copies import Actor
from inbox_store.times import US

ASK_AGAIN_US: Final = 60 * US
"""Nobody has codes sent to strangers more often."""

TRIES_MAX: Final = 5
"""Wrong codes after which a new one has to be asked for."""


def address_of(person_id: int) -> Program[MailAddress | None]:
    """The proved address, or None."""
    rows = yield Sql("mail_address", {"person_id": person_id})
    return MailAddress(*rows[0]) if rows else None


def asked_of(person_id: int) -> Program[AskedAddress | None]:
    """The address that waits for its code, or None."""
    rows = yield Sql("mail_address_asked", {"person_id": person_id})
    return AskedAddress(*rows[0]) if rows else None


def ask(
    person_id: int, address: str, code_hash: bytes, expires_at: int, vault: PhoneVault, now: int
) -> Program[None]:
    """Keep an address to be proved. Raises Refused("throttled") within a minute of the last one."""
    before = yield from asked_of(person_id)
    if before is not None and now < before.asked_at + ASK_AGAIN_US:
        raise Refused("throttled", retry_after_s=-(-(before.asked_at + ASK_AGAIN_US - now) // US))
    told = {"address_sealed": vault.seal(address), "address_key": vault.current, "code_hash": code_hash}
    yield Sql("mail_address_ask", {**told, "person_id": person_id, "now": now, "expires_at": expires_at})


def withdraw(person_id: int) -> Program[None]:
    """The code could not be sent: nothing waits."""
    yield Sql("mail_address_settle", {"person_id": person_id})


def prove(by: Actor, code_hash: bytes, now: int) -> Program[bool]:
    """The code came back: the address is the person's. False for a wrong, spent or late one; a wrong one is counted."""
    asked = yield from asked_of(by.person_id)
    if asked is None or now >= asked.expires_at or asked.tries >= TRIES_MAX:
        return False
    if not hmac.compare_digest(asked.code_hash, code_hash):
        yield Sql("mail_address_tried", {"person_id": by.person_id})
        return False
    told = {"address_sealed": asked.address_sealed, "address_key": asked.address_key, "now": now}
    yield Sql("mail_address_keep", {**told, "person_id": by.person_id})
    yield Sql("mail_address_settle", {"person_id": by.person_id})
    yield _line("mail_address.set", by)
    return True


def store(person_id: int, address: str, vault: PhoneVault, now: int) -> Program[None]:
    """An address that the office itself answers for (an import): nobody has to prove it."""
    told = {"address_sealed": vault.seal(address), "address_key": vault.current, "now": now}
    yield Sql("mail_address_keep", {**told, "person_id": person_id})


def drop(by: Actor) -> Program[None]:
    """The person wants no mail at all."""
    yield Sql("mail_address_settle", {"person_id": by.person_id})
    yield Sql("mail_address_drop", {"person_id": by.person_id})
    yield _line("mail_address.drop", by)


def _line(action: str, by: Actor) -> Audit:
    return Audit(action=action, actor=by.person_id, subject=f"person:{by.person_id}", origin=by.origin)


def ordinary(person_id: int, *, wanted: bool) -> Program[None]:
    """Whether the person wants ordinary alerts by mail; urgent ones always come."""
    ((changed,),) = yield Sql("mail_address_ordinary", {"person_id": person_id, "ordinary": int(wanted)})
    if changed:
        detail = {"ordinary": wanted}
        yield Audit(
            action="mail_address.ordinary", actor=person_id, subject=f"person:{person_id}", detail=detail
        )


def unsubscribe(mark: int) -> Program[bool]:
    """Whoever got the mail with this mark wants no ordinary ones; returns whether it is known."""
    rows = yield Sql("mail_person_of", {"mark": mark})
    if rows:
        yield from ordinary(int(rows[0][0]), wanted=False)
    return bool(rows)
