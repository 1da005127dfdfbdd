"""One port of the simulated carrier: who may log in, what happens to submits, what is told to whom.

Submits that came in one turn of the loop are dealt with together at its end: played, written to the invoice in one piece,
and only then answered.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from inbox_store.times import Clock, system_now
from push.sms.carrier import Hello, InboundAnswer, Reply, Report, Submitted
from push.sms.happenings import Answered, Closed, InDoubt, SessionRules
from push.sms.listener import Caller, Listener, ListenerHandlers, ListenerLimits
from push.sms.simulator.detail import DetailFile
from push.sms.simulator.outbox import Item, Outbox, reply_of
from push.sms.simulator.player import EARLY, Fate, Play, Player
from push.sms.simulator.protocols import SPOKEN, Name
from push.sms.simulator.script import Script
from push.sms.simulator.sgip_push import SgipPush
from push.sms.window import NEVER
from push.sms.wire import ticks

CALLERS_MAX: Final = 256
WAKE_MIN_S: Final = 0.005
"""Reports that become due within so long leave together."""


class Desk:
    """A listener of one protocol with its accounts. ``broken`` is called where the invoice cannot be written."""

    def __init__(
        self,
        name: Name,
        accounts: Mapping[str, str],
        script: Script,
        detail: DetailFile | None,
        broken: Callable[[OSError], None],
        *,
        window: int = 64,
        clock: Clock = system_now,
    ) -> None:
        spoken = SPOKEN[name]
        self.name = name
        self.counts: Counter[str] = Counter()
        """Submits by what befell them, accepted segments, reports and replies sent and answered."""
        self._spoken = spoken
        self._accounts = accounts
        self._player = Player(script, spoken.codes, name)
        self._ids = spoken.ids(clock())
        self._detail = detail
        self._broken = broken
        self._clock = clock
        self._outboxes = {account: Outbox() for account in accounts}
        self._pushes: dict[str, SgipPush] = {}
        self._callers: dict[str, list[Caller]] = {account: [] for account in accounts}
        self._asked: list[tuple[Caller, Submitted]] = []
        self._open = 0
        self._is_turn_due = False
        self._is_stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        rules = SessionRules(window=window, leave_timeout_s=2, goodbye_timeout_s=1)
        limits = ListenerLimits(session=rules, callers_max=CALLERS_MAX, stop_timeout_s=4)
        handlers = ListenerHandlers(
            self._admit, submitted=self._submitted, told=self._told, closed=self._closed
        )
        self._listener = Listener(spoken.dialect, handlers, limits, clock=clock)

    # -- life

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._listener.port

    def push_over(self, account: str, push: SgipPush) -> None:
        """Reports of ``account`` go over a connection of ours to its listener (SGIP)."""
        self._pushes[account] = push

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError for a port that is taken."""
        for push in self._pushes.values():
            await push.start(self.soon)
        await self._listener.start(host, port)

    async def stop(self) -> None:
        """Answer what was asked, end all connections in order. What is due later is never told."""
        self._turn()
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
        await self._listener.stop()
        for push in self._pushes.values():
            await push.stop()

    def reply(self, account: str, reply: Reply) -> None:
        """A phone writes to ``account``, whatever the script says. Raises KeyError for an account unknown here."""
        now = self._clock()
        self._outboxes[account].put(Item(reply, reply.source, now, self._ids.one(now)), ticks())
        self.soon()

    @property
    def waiting(self) -> int:
        """Reports and replies that have not been sent, or not been answered."""
        return self._open + sum(map(len, self._outboxes.values()))

    # -- the listener calls

    def _admit(self, caller: Caller, hello: Hello) -> tuple[int, str]:
        secret = self._accounts.get(hello.account)
        if secret is None or not caller.session.permits(hello, secret):
            self.counts["logins_refused"] += 1
            return self._spoken.codes.login, ""
        self.counts["logins"] += 1
        if hello.mode not in self._spoken.deaf:
            self._callers[hello.account].append(caller)
            self.soon()
        return 0, secret

    def _submitted(self, caller: Caller, asked: Submitted) -> None:
        self._asked.append((caller, asked))
        self.soon()

    def _told(self, caller: Caller, told: Answered[object] | InDoubt[object]) -> None:
        answer = told.answer if isinstance(told, Answered) else None
        if isinstance(told, Answered) and told.late:
            return  # it was held for lost, and goes again
        self.heed(caller.account, told.token, answer)

    def heed(self, account: str, item: object, answer: object) -> None:
        """What became of a report or a reply; ``answer`` is None where there was none."""
        if not isinstance(item, Item):
            return
        self._open -= 1
        if isinstance(answer, InboundAnswer) and answer.ok:
            self.counts["taken"] += 1
        elif not self._outboxes[account].unanswered(item):
            self.counts["given_up"] += 1
        self.soon()

    def _closed(self, caller: Caller, _closed: Closed) -> None:
        heard = self._callers.get(caller.account, [])
        if caller in heard:
            heard.remove(caller)

    # -- a turn

    def soon(self) -> None:
        """Something is to be done at the end of this turn of the loop."""
        if not self._is_turn_due and not self._is_stopped:
            self._is_turn_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_turn_due = False
        if self._is_stopped:
            return
        if self._asked:
            self._settle()
        now = ticks()
        for account, outbox in self._outboxes.items():
            if outbox.ripen(now):
                self._pump(account, outbox)
        self._set_timer(now)

    def _settle(self) -> None:
        asked, self._asked = self._asked, []
        now, tick, cut = self._clock(), ticks(), set[Caller]()
        settled = []
        for caller, one in asked:
            if caller in cut or caller.session.state == "closed":
                continue
            play = self._player.play(caller.account, one.numbers, tick)
            self.counts[play.deed] += 1
            if play.deed in {"drop", "drop_accepted"}:
                cut.add(caller)
            settled.append((caller, one, play, self._enter(one, play, now)))
        if not self._write(asked):
            return
        for caller, one, play, ids in settled:
            self._carry_out(caller, one, play, ids, now, tick)

    def _enter(self, asked: Submitted, play: Play, now: int) -> list[str]:
        """Accepted segments on the invoice; their ids."""
        if not play.fates:
            return []
        ids, source = self._ids.of(asked, now), asked.segment.source
        self.counts["segments"] += len(ids)
        if self._detail is not None:
            for message_id, number, fate in zip(ids, asked.numbers, play.fates, strict=True):
                self._detail.add(message_id, number, source, now, fate.stat)
        return ids

    def _write(self, asked: list[tuple[Caller, Submitted]]) -> bool:
        """Without a line on the invoice nothing is answered, and the carrier is out of order."""
        if self._detail is None:
            return True
        try:
            self._detail.flush()
        except OSError as fault:
            for caller, _ in asked:
                caller.wire.cut()
            self._is_stopped = True
            self._broken(fault)
            return False
        return True

    def _carry_out(
        self, caller: Caller, asked: Submitted, play: Play, ids: list[str], now: int, tick: int
    ) -> None:
        for message_id, number, fate in zip(
            ids, asked.numbers, play.fates, strict=False
        ):  # none where refused
            self._tell_later(caller, asked, message_id, number, fate, now, tick)
        if play.deed in {"drop", "drop_accepted"}:
            caller.wire.cut()
        elif play.deed not in {"silent", "ignore"}:
            caller.answer(asked, ids[0] if ids else "", play.code)

    def _tell_later(
        self, caller: Caller, asked: Submitted, message_id: str, number: str, fate: Fate, now: int, tick: int
    ) -> None:
        account, source = caller.account, asked.segment.source
        outbox = self._outboxes[account]
        for after, state, stat, error in fate.tellings if asked.segment.report else ():
            report = Report(
                message_id=message_id,
                to=number,
                state=state,
                stat=stat,
                error=error,
                done_at=now + after if after > 0 else now,
            )
            item = Item(report, source, now)
            if after != EARLY:
                outbox.put(item, tick + after)
            elif account in self._pushes or not self._send(caller, item):
                outbox.put(item, tick)
        if fate.reply:
            outbox.put(
                Item(reply_of(number, source, fate.reply), source, now, self._ids.one(now)),
                tick + fate.reply_after,
            )

    # -- telling

    def _pump(self, account: str, outbox: Outbox) -> None:
        ready = outbox.ready
        if (push := self._pushes.get(account)) is not None:
            while ready and push.free > 0:
                self._open += 1
                self.counts["told"] += 1
                push.send(ready.popleft(), self)
            return
        for caller in self._callers[account]:
            while ready and self._send(caller, ready[0]):
                ready.popleft()

    def _send(self, caller: Caller, item: Item) -> bool:
        """False where the client's window is full, or it reads too slowly."""
        if caller.session.free <= 0 or caller.wire.congested or caller not in self._callers[caller.account]:
            return False
        item.tries += 1
        try:
            sent = _tell(caller, item)
        except ValueError:
            # A client may submit to what no report can name: it was accepted and is charged all the same.
            self.counts["unsendable"] += 1
            return True
        self._open += sent
        self.counts["told"] += sent
        return sent

    def _set_timer(self, now: int) -> None:
        due = min((outbox.due for outbox in self._outboxes.values()), default=NEVER)
        if due >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        delay_s = max(WAKE_MIN_S, (due - now) / 1e6)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer, self._timer_at = None, NEVER
        self._turn()


def _tell(caller: Caller, item: Item) -> bool:
    what = item.what
    if isinstance(what, Report):
        return caller.report(what, item.source, item.submitted_at, item)
    return caller.reply(what, item.message_id, item)
