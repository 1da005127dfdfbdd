"""What is said about mail: what decides about an order, what leaves, what came back, a draft that came in. Frozen data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from inbox_store.messages import Stop, Wait
from inbox_store.nouns import Noun
from inbox_store.programs.registers import Upload

MailMode = Literal["draft", "dispatch"]
"""What becomes of a unit's mail: it waits for its clerk, or goes out as it came."""


class MailFacts(Noun, frozen=True):
    """What decides whether an alert may leave by mail now; columns in the order of ``mail_due``.

    ``bad``: the address failed for good too often. ``ordinary``: the person wants ordinary alerts by mail.
    """

    order_id: int
    alert_id: int
    kind: str
    round: int
    document_id: int | None
    unit_id: int
    urgency: str
    text: str
    document_kind: str
    title: str
    sensitivity: str
    is_test: int
    recalled: int
    created_at: int
    person_id: int
    address_sealed: bytes | None
    address_key: int | None
    bad: int
    ordinary: int
    digest: int
    priority: int
    due_at: int
    expires_at: int
    tries: int
    mail_id: int | None


DecideMail = Callable[[MailFacts], Wait | Stop | None]
"""Pure: why an order stays, from the facts as they stand in the transaction that hands over; None where it leaves."""


class MailLeaving(Noun, frozen=True, kw_only=True):
    """One mail that leaves: its attempt, its mark (the same mail again has the same), and the alerts it tells of."""

    attempt_id: int
    mark: int
    facts: tuple[MailFacts, ...]


class MailAnswered(Noun, frozen=True, kw_only=True):
    """What the relay said of one mail. ``again_at`` (UTC microseconds) when it may be tried again, 0 where it is not.

    ``dead``: the address itself was refused for good.
    """

    attempt_id: int
    person_id: int
    outcome: Literal["accepted", "refused", "returned", "in_doubt"]
    code: str = ""
    at: int
    again_at: int = 0
    dead: bool = False


class MailReported(Noun, frozen=True, kw_only=True):
    """A delivery status (RFC 3464) about the mail with this mark; ``permanent``: the address is wrong, not the road."""

    mark: int
    report: Literal["delayed", "delivered", "failed"]
    status: str
    permanent: bool
    at: int


class MailAddress(Noun, frozen=True):
    """A person's address as stored; columns in the order of ``mail_address``."""

    person_id: int
    address_sealed: bytes
    address_key: int
    verified_at: int
    ordinary: int
    failures: int
    bad_at: int | None
    status: str


class AskedAddress(Noun, frozen=True):
    """An address that is not yet proved; columns in the order of ``mail_address_asked``."""

    address_sealed: bytes
    address_key: int
    code_hash: bytes
    asked_at: int
    expires_at: int
    tries: int


class MailIn(Noun, frozen=True, kw_only=True):
    """A mail that is taken in: whose key (``owner``), which mail (``digest``), from where, for which unit."""

    owner: int
    digest: bytes
    unit_id: int
    message_id: str
    mail_from: str


class NewDraft(Noun, frozen=True, kw_only=True):
    """What a mail says, as a draft; ``scope`` as JSON, ``files`` received and lying in the folder."""

    unit_id: int
    person_id: int
    key_name: str
    mail_from: str
    message_id: str
    title: str
    body: str
    kind: str
    urgency: str
    scope: str
    files: tuple[Upload, ...]


class Draft(Noun, frozen=True):
    """A draft as stored; columns in the order of ``mail_draft``, then its attachments."""

    id: int
    unit_id: int
    person_id: int
    key_name: str
    mail_from: str
    message_id: str
    title: str
    body: str
    kind: str
    urgency: str
    scope: str
    received_at: int
    files: tuple[Upload, ...] = ()


class MailPolicy(Noun, frozen=True):
    """A unit's rule for its mail; ``kind`` is the kind of document that a mail becomes."""

    mode: MailMode = "draft"
    kind: str = "slip"
