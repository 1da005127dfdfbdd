"""A mail that came in by the door: known again, looked at, kept as a draft or sent, with its attachments or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn, Protocol

import msgspec
import structlog

from gateway.flows import sending
from gateway.flows.access import Access
from gateway.flows.proposals import Proposal
from gateway.house import Act, House, owner_of
from gateway.rules import mail_recipients, screening
from gateway.rules.access import Principal, reach
from gateway.rules.mail_reading import MailText, read_mail
from gateway.rules.mail_recipients import To
from gateway.rules.marks import mark_in_file_name
from gateway.tokens import key_prefix
from inbox_store.engine import Audit, Program
from inbox_store.errors import Refused, StoreFull
from inbox_store.mails import MailIn, MailPolicy, MailReported, NewDraft
from inbox_store.nouns import NewDocument
from inbox_store.programs import mail as mail_programs
from inbox_store.programs import mail_addresses, mail_drafts, registers
from inbox_store.programs.idempotency import Answer, Idempotency
from inbox_store.programs.registers import Upload
from inbox_store.times import day_of
from push.mail.dsn import read_report
from push.mail.marks import mark_of

log = structlog.get_logger("mail_in")

ROUTE: Final = "smtp"
INLINE_BYTES: Final = 8 * 1024
"""A mail of this size is read where it stands; a larger one in a thread, so that nobody waits for it."""


class Files(Protocol):
    """Where attachments are received: types by content, limits, durable when it returns."""

    async def keep(self, name: str, content: bytes) -> Upload:
        """Take one file in. Raises Refused: attachment_type, attachment_too_large, attachment_broken; OSError."""
        ...

    async def discard(self, file_id: str) -> None:
        """Remove one that nothing refers to."""
        ...


class Handed(Protocol):
    """A mail as the door hands it over."""

    @property
    def principal(self) -> Principal: ...  # noqa: D102 - the words of gateway.doors.smtp_ports.Incoming
    @property
    def mail_from(self) -> str: ...  # noqa: D102
    @property
    def recipients(self) -> tuple[To, ...]: ...  # noqa: D102
    @property
    def content(self) -> bytes: ...  # noqa: D102
    @property
    def origin(self) -> str: ...  # noqa: D102


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """邮件的受理结果：草稿编号，或已发出的文件编号"""

    draft_id: int | None = None
    document_id: int | None = None

    @property
    def word(self) -> str:
        """What the sender's program is told behind 250, and may log."""
        return f"draft {self.draft_id}" if self.draft_id else f"document {self.document_id}"


class MailTaker:
    """The desk behind the door (``gateway.doors.smtp_ports.MailDesk``)."""

    def __init__(self, house: House, access: Access, files: Files) -> None:
        self._house = house
        self._access = access
        self._files = files
        self._marks_key = house.store.keys.codes

    async def recognise(self, login: str, key: str, origin: str) -> Principal:
        """Whose key it is: the login is the key's id, so that a log of logins names no secret. Raises token_invalid."""
        if not hmac.compare_digest(login.encode(), (key_prefix(key) or "").encode()):
            raise Refused("token_invalid", fault="login")
        return await self._access.principal_of_api_key(key, origin=origin)

    async def recipient(self, principal: Principal, address: str) -> To:
        """What an address means to the unit of the key. Raises forbidden, mail_relay, mail_no_such."""
        unit_id = _unit_of(principal)
        house = self._house
        saved: dict[str, int] = {}
        if address.lower().startswith(mail_recipients.SCOPE_PREFIX):
            rows = await house.store.engine.read(registers.scopes_of([unit_id]))
            saved = {row.name: row.id for row in rows}
        organisation = await house.organisation()
        return mail_recipients.recipient(address, organisation, saved, _domains(house))

    async def take(self, mail: Handed) -> str:
        """Keep a mail, or act on it where it is to one of our own addresses. Durable when it returns."""
        service = [to for to in mail.recipients if to.kind == "service"]
        if service and len(service) < len(mail.recipients):
            raise Refused("mail_mixed")
        if service:
            return await self._service(mail, service)
        return (await self._document(mail)).word

    # -- documents

    async def _document(self, mail: Handed) -> Kept:
        read = asyncio.to_thread(read_mail, mail.content) if len(mail.content) > INLINE_BYTES else None
        text = await read if read else read_mail(mail.content)
        house, principal = self._house, mail.principal
        unit_id, now = _unit_of(principal), house.clock()
        await house.require(principal, "dispatch.submit", unit_id)
        told = MailIn(
            owner=owner_of(principal),
            digest=digest_of(mail, text),
            unit_id=unit_id,
            message_id=text.message_id,
            mail_from=mail.mail_from[:320],
        )
        before = await house.store.engine.read(mail_drafts.seen(told.owner, told.digest))
        if before is not None:
            return Kept(draft_id=before[0] if before[1] is None else None, document_id=before[1])
        policy = await house.store.engine.read(mail_drafts.policy_of(unit_id))
        document = await self._worded(text, policy, unit_id)
        await self._refuse_marked(mail, text, document)
        return await self._with_files(mail, text, told, policy, document, now)

    async def _worded(self, text: MailText, policy: MailPolicy, unit_id: int) -> NewDocument:
        """The mail as a document: what a mail cannot say is for the clerk, or for the unit's rule."""
        unit, day = await self._house.unit(unit_id), day_of(self._house.clock())
        return NewDocument(
            kind=policy.kind,  # type: ignore[arg-type]  # checked when the rule was set
            title=text.title,
            body=text.body,
            urgency="urgent" if text.urgent else "ordinary",
            sender_unit_id=unit_id,
            elements={"issuer": unit.name, "issued_on": day.isoformat()},
        )

    async def _refuse_marked(self, mail: Handed, text: MailText, document: NewDocument) -> None:
        """Of what bears a mark of secrecy nothing stays but an audit line (F28)."""
        house = self._house
        day = day_of(house.clock())
        findings = screening.screen(document, file_names=[file.name for file in text.files], day=day)
        secret = {one.field for one in findings if one.code == "classified_refused"}
        if secret:
            await self._classified(mail, document.sender_unit_id, secret)

    async def _classified(self, mail: Handed, unit_id: int, fields: Iterable[str]) -> NoReturn:
        line = Audit(
            action="document.refused",
            actor=mail.principal.person_id,
            subject=f"unit:{unit_id}",
            detail={"code": "classified_refused", "fields": sorted(fields), "by": "mail"},
            origin=mail.origin,
        )
        await self._house.store.engine.write(_alone(line))
        raise Refused("classified_refused")

    async def _with_files(
        self, mail: Handed, text: MailText, told: MailIn, policy: MailPolicy, document: NewDocument, now: int
    ) -> Kept:
        """The attachments first, then the fact that refers to them; where it does not come about, none of them stays."""
        uploads: list[Upload] = []
        act = Act(principal=mail.principal, key=_key(told), now=now, origin=mail.origin)
        try:
            for file in text.files:
                uploads.append(await self._files.keep(file.name, file.content))
                if mark_in_file_name(uploads[-1].name):  # what was cleaned away had hidden the mark
                    await self._classified(mail, told.unit_id, ["attachments"])
            scope = mail_recipients.scope_of(mail.recipients, text.cc)
            document = msgspec.structs.replace(document, attachments=tuple(one.id for one in uploads))
            proposal = Proposal(document=document, scope=scope)
            if policy.mode == "dispatch":
                answer = await self._sent(act, told, proposal, uploads)
            else:
                answer = await self._drafted(act, told, proposal, uploads)
        except (Refused, StoreFull, OSError):
            # After any other fault the record may be there: a lost file would be worse than one too many.
            await self._discard(uploads)
            raise
        if answer.replayed:
            await self._discard(uploads)
        return msgspec.json.decode(answer.body, type=Kept)

    async def _discard(self, uploads: Sequence[Upload]) -> None:
        for one in uploads:
            await self._files.discard(one.id)

    async def _sent(self, act: Act, told: MailIn, proposal: Proposal, uploads: Sequence[Upload]) -> Answer:
        """Straight out, by the flow of the API: screened, priced, and general ones still wait for a second person."""
        return await sending.submit(
            self._house,
            act,
            proposal,
            lambda fact: mail_drafts.sent_at_once(told, uploads, act.person_id, fact, act.now),
        )

    async def _drafted(self, act: Act, told: MailIn, proposal: Proposal, uploads: Sequence[Upload]) -> Answer:
        document = proposal.document
        draft = NewDraft(
            unit_id=told.unit_id,
            person_id=act.person_id,
            key_name=act.principal.name,
            mail_from=told.mail_from,
            message_id=told.message_id,
            title=document.title,
            body=document.body,
            kind=document.kind,
            urgency=document.urgency,
            scope=msgspec.json.encode(proposal.scope).decode(),
            files=tuple(uploads),
        )
        fact = mail_drafts.keep(told, draft, act.origin, act.now)
        return await self._house.once(act, fact, lambda draft_id: Kept(draft_id=draft_id))

    # -- our own addresses

    async def _service(self, mail: Handed, to: Sequence[To]) -> str:
        """A delivery status about a mail of ours, or somebody who wants fewer of them."""
        now, write = self._house.clock(), self._house.store.engine.write
        for one in to:
            unsubscribed = mark_of("unsubscribe", one.address, self._marks_key)
            if unsubscribed is not None:
                await write(mail_addresses.unsubscribe(unsubscribed))
                continue
            report = read_report(mail.content, one.address, self._marks_key)
            if report is None:
                raise Refused("mail_report")
            status = f"{report.status} {report.diagnostic}".strip()
            await write(
                mail_programs.report(
                    MailReported(
                        mark=report.mark,
                        report=report.action,
                        status=status,
                        permanent=report.permanent,
                        at=now,
                    )
                )
            )
        return "noted"


def _unit_of(principal: Principal) -> int:
    """The unit a key is bound to. Raises Refused("forbidden") for a key that may not send."""
    units = reach(principal, "dispatch.submit").unit_ids
    if len(units) != 1:
        raise Refused("forbidden", action="dispatch.submit")
    return next(iter(units))


def _domains(house: House) -> tuple[str, ...]:
    settings = house.settings
    return (*settings.smtp.domains, settings.mail.marks_domain)


def _alone(line: Audit) -> Program[None]:
    yield line


def digest_of(mail: Handed, text: MailText) -> bytes:
    """Which mail it is: Message-ID, envelope and what it says. Trace headers differ from one delivery to the next.

    The content belongs to it: a scanner that gives every mail the same Message-ID must not lose any.
    """
    files = [[file.name, hashlib.sha256(file.content).hexdigest()] for file in text.files]
    people = sorted(to.address for to in mail.recipients)
    told = [text.message_id, text.date, mail.mail_from.lower(), people, text.title, text.body, files]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()


def _key(told: MailIn) -> Idempotency:
    return Idempotency(owner=told.owner, key=f"mail-{told.digest.hex()}", route=ROUTE, body_hash=told.digest)
