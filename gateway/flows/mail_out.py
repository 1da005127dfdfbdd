"""Alerts by mail of one running house: taken while the relay is well, sent, settled; codes that prove an address.

As with short messages the attempt is committed before the mail leaves. What is in doubt is sent once more under the same
Message-ID, unless the settings forbid it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from email.policy import SMTP
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from msgspec.structs import replace

from config.faults import ConfigFault, Fault
from config.secret_files import told_secret
from config.settings import Settings
from gateway.house import House
from gateway.rules.mail_policy import judge_mail
from gateway.rules.sms_policy import PRESSING
from inbox_store.engine import Nudge
from inbox_store.errors import Refused, StoreBroken
from inbox_store.failpoints import failpoint
from inbox_store.mails import MailAnswered, MailFacts, MailLeaving
from inbox_store.programs import mail as programs
from inbox_store.times import US, moment
from push.mail import compose
from push.mail.compose import Letter, Line
from push.mail.relay import MailSender
from push.mail.sender import Accepted, Deferred, InDoubt, Mail, Outcome, Relay
from push.mail.sender import Refused as MailRefused
from push.sms.backoff import Backoff

LOOK_EVERY_S: Final = 1.0
SWEEP_EVERY_S: Final = 30.0
SWEPT_AT_ONCE: Final = 1_000
TAKEN_AT_ONCE: Final = 20
"""Mails taken in one step: so many are under way at the most, and so many in doubt after a death."""
AGAIN: Final = Backoff(first_s=60, max_s=3_600)
"""When a mail that was put off comes again: grey lists let pass what returns after some minutes."""
DOUBT_TRIES_MAX: Final = 2
CODE_MARK: Final = 2**62
"""Marks from here on name mails that no order stands behind."""

log = structlog.get_logger("mail")


def relay_of(settings: Settings) -> Relay:
    """The relay of the settings with its password. Raises ConfigFault saying which file is missing."""
    told = settings.mail
    password = ""
    if told.user:
        try:
            password = told_secret(settings.keys_folder / "mail.secret", "邮件")
        except ValueError as fault:
            raise ConfigFault((Fault(str(settings.keys_folder), "mail.user", str(fault)),)) from fault
    if told.ca_file and not Path(told.ca_file).is_file():
        raise ConfigFault((Fault(told.ca_file, "mail.ca_file", "没有这个文件"),))
    return Relay(
        host=told.host,
        port=told.port,
        security=told.security,
        user=told.user,
        password=password,
        ca_file=told.ca_file,
        hello=told.marks_domain,
    )


class MailHouse:
    """The office's mail. ``run`` it as a task; without a relay it does nothing, and orders wait until they expire."""

    def __init__(self, house: House, sender: MailSender | None) -> None:
        self.sender = sender
        self.wake = asyncio.Event()
        self.outcomes: Counter[str] = Counter()
        """Mails settled since the start, by outcome."""
        self._house = house
        self._taking: asyncio.Task[bool] | None = None
        told = house.settings.mail
        self._writer = compose.House(
            address=told.sender,
            name=told.sender_name,
            domain=told.marks_domain,
            url=house.settings.server.address,
            key=house.store.keys.codes,
        )

    @classmethod
    def of(cls, house: House) -> MailHouse:
        """With the relay of the settings, where they name one. Raises ConfigFault."""
        settings = house.settings
        return cls(house, MailSender(relay_of(settings)) if settings.mail.host else None)

    async def open(self) -> None:
        """After a death: what had been handed over is in doubt."""
        now = self._house.clock()
        again_at = now if self._house.settings.mail.resend_in_doubt else 0
        lost = await self._house.store.engine.write(programs.in_doubt(now, again_at, DOUBT_TRIES_MAX))
        if lost:
            log.warning("mail.in_doubt", attempts=len(lost))
        self._house.store.engine.subscribe(self._heard)

    def _heard(self, nudge: Nudge) -> None:
        if nudge.arrivals or nudge.told:
            self.wake.set()

    async def run(self) -> None:
        """Send and look after it until cancelled; what was taken is settled first."""
        if self.sender is None:
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run(), name="mail out")
                group.create_task(self._sweep(), name="mail sweep")
        finally:
            if self._taking is not None:
                await asyncio.gather(self._taking, return_exceptions=True)
            await self.sender.stop()

    async def _run(self) -> None:
        while True:
            self.wake.clear()
            try:
                while await self.step():
                    pass
            except StoreBroken:
                log.exception("mail.stopped")
                return
            except Exception:
                log.exception("mail.failed")
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.wake.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        while True:
            write = self._house.store.engine.write
            try:
                while (
                    await write(programs.expire(self._house.clock(), SWEPT_AT_ONCE), bulk=True)
                    == SWEPT_AT_ONCE
                ):
                    pass
            except StoreBroken:
                return
            except Exception:
                log.exception("mail.sweep_failed")
            await asyncio.sleep(SWEEP_EVERY_S)

    # -- what leaves

    async def step(self) -> bool:
        """Take and send what is due; returns whether there may be more."""
        now = self._house.clock()
        if self.sender is None or self.sender.rests_s:
            return False
        if not await self._house.store.engine.read(programs.waiting(now)):
            return False
        self._taking = asyncio.create_task(self._take(now))
        # Who stops us waits for it: what was committed to leave does leave.
        return await asyncio.shield(self._taking)

    async def _take(self, now: int) -> bool:
        decide = partial(judge_mail, now=now)
        leaving = await self._house.store.engine.write(programs.claim(TAKEN_AT_ONCE, decide, now))
        if leaving:
            failpoint("mail_after_claim")
        for one in leaving:
            await self._send(one)
        return bool(leaving)

    async def _send(self, one: MailLeaving) -> None:
        assert self.sender is not None  # noqa: S101 - nothing is taken without one
        mail = self._mail(one)
        (outcome,) = await self.sender.send([mail]) if mail else [MailRefused(code="unreadable")]
        failpoint("mail_after_answer")
        answer = self._answer(one, outcome)
        self.outcomes[answer.outcome] += 1
        await self._house.store.engine.write(programs.settle([answer]))

    def _mail(self, one: MailLeaving) -> Mail | None:
        """The mail as it goes out; None where its address cannot be opened or written."""
        first = one.facts[0]
        try:
            to = self._house.store.keys.phones.open(first.address_sealed or b"", first.address_key or 0)
            return self.written(one, to)
        except ValueError:
            log.exception("mail.not_written", person=first.person_id)
            return None

    def written(self, one: MailLeaving, to: str) -> Mail:
        """What leaves for ``to``. Raises ValueError for an address that is none."""
        letter = Letter(
            to=to,
            mark=one.mark,
            at=moment(self._house.clock()),
            lines=tuple(self._line(facts) for facts in one.facts),
            unsubscribe=all(facts.urgency not in PRESSING and facts.kind == "arrival" for facts in one.facts),
        )
        return self._posted(letter)

    def _posted(self, letter: Letter) -> Mail:
        content = compose.compose(letter, self._writer).as_bytes(policy=SMTP.clone(cte_type="7bit"))
        sender = compose.envelope_sender(letter.mark, self._writer)
        return Mail(mark=letter.mark, sender=sender, to=letter.to, content=content)

    def _line(self, facts: MailFacts) -> Line:
        """The alert's own words: what is not public was left out when it was made (F28)."""
        url = f"{self._writer.url}/documents/{facts.document_id}" if facts.document_id else ""
        return Line(text=facts.text, url=url, urgent=facts.urgency in PRESSING)

    # -- what came back

    def _answer(self, one: MailLeaving, outcome: Outcome) -> MailAnswered:
        now, tries = self._house.clock(), max(facts.tries for facts in one.facts)
        base = MailAnswered(
            attempt_id=one.attempt_id, person_id=one.facts[0].person_id, outcome="accepted", at=now
        )
        match outcome:
            case Accepted():
                return base
            case MailRefused():
                return replace(base, outcome="refused", code=outcome.code, dead=outcome.dead)
            case Deferred():
                again_at = now + int(AGAIN.pause_s(tries, random.random()) * US)  # noqa: S311 - spreads, hides nothing
                if outcome.alarm:
                    log.error("mail.alarm", code=outcome.code)
                return replace(base, outcome="returned", code=outcome.code, again_at=again_at)
            case InDoubt():
                again = self._house.settings.mail.resend_in_doubt and tries + 1 < DOUBT_TRIES_MAX
                again_at = now + int(AGAIN.first_s * US) if again else 0
                return replace(base, outcome="in_doubt", code=outcome.why, again_at=again_at)

    # -- what goes out beside the orders

    async def send_code(self, address: str, code: str, minutes: int) -> None:
        """Send a code to an address that is to be proved, now. Raises Refused: mail_off, mail_unreachable, mail_refused."""
        if self.sender is None:
            raise Refused("mail_off")
        text = f"验证码 {code}，{minutes} 分钟内有效。若非本人操作，请忽略本邮件。"
        # No order stands behind it: a report about it finds nothing.
        mark = CODE_MARK + self._house.clock()
        letter = Letter(to=address, mark=mark, at=moment(self._house.clock()), lines=(Line(text=text),))
        try:
            mail = self._posted(letter)
        except ValueError:
            raise Refused("field_invalid", field="address", reason="不是邮件地址") from None
        (outcome,) = await self.sender.send([mail])
        match outcome:
            case MailRefused():
                raise Refused("mail_refused", reason=outcome.code)
            case Deferred():
                raise Refused("mail_unreachable", retry_after_s=60)
            case Accepted() | InDoubt():
                return
