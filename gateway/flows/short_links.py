"""The short link of a message: opened without acting, used once, as the person it was sent to.

What a link may tell is what the message may tell (F28): kind, sender, urgency, times; the title of a public document
only, also after the tap. The tap shows that somebody holds the message, not that it is the person: whoever wants to read
what is not public logs in.
"""

from __future__ import annotations

from gateway.house import House
from gateway.rules.replies import REPLY_RULES
from gateway.rules.short_links import LinkTo, genuine, link_key, read_token
from inbox_store.errors import Refused
from inbox_store.programs import short_links as programs
from inbox_store.programs.copies import Actor
from inbox_store.programs.dispatch import document_head
from inbox_store.programs.short_links import Linked, Offer, Used, Wish

DEVICE = "短信链接"
"""What a receipt says it was signed with."""


async def link_of(house: House, text: str, now: int) -> Linked:
    """The order behind a token.

    Raises Refused: not_found (switched off, forged, changed: all alike), link_expired.
    """
    token = read_token(text)
    if token is None or not house.settings.sms.short_link:
        raise Refused("not_found", what="short_link")
    link = await house.store.engine.read(programs.linked(token.order_id))
    to = LinkTo(person_id=link.person_id, document_id=link.document_id)
    if not genuine(token, link_key(house.store.keys.codes), to):
        raise Refused("not_found", what="short_link")
    if token.expires_at <= now:
        raise Refused("link_expired")
    return link


async def offer(house: House, link: Linked, now: int) -> Offer:
    """What the link's page shows. Raises Refused as ``programs.offer`` does."""
    head = await house.store.engine.read(document_head(link.document_id))
    sender = await house.unit(head.sender_unit_id)
    return await house.store.engine.read(programs.offer(link, sender.name, now))


async def use(house: House, link: Linked, wish: Wish, origin: str, now: int) -> tuple[Used, bool]:
    """Do it as the person. Returns what stands, and whether it was done now. Raises Refused as ``programs.use`` does."""
    actor = Actor(person_id=link.person_id, name=link.name, origin=origin, device=DEVICE)
    fact = programs.use(link, wish, actor, REPLY_RULES, house.store.keys.phones, now)
    return await house.store.engine.write(fact)
