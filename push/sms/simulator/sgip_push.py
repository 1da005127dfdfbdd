"""The second connection of SGIP: the carrier connects to the SP's listener (login type 2) and reports there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, cast

from push.sms.backoff import Backoff
from push.sms.breaker import BreakerRules
from push.sms.bucket import Pace
from push.sms.carrier import ClientDialect, Inbound, InboundAnswer, Report
from push.sms.link import ChannelLink
from push.sms.ports import Address, Handlers, LinkLimits, LinkState, NotSent, Outcome
from push.sms.sgip import SgipCarrierClient
from push.sms.simulator.outbox import Item

_LIMITS: Final = LinkLimits(
    # A client hears its reports as fast as over the other protocols, and soon after it was started again.
    pace=Pace(rate_per_s=10_000),
    backoff=Backoff(first_s=0.2, max_s=1),
    breaker=BreakerRules(open_s=0.5, open_max_s=1),
    stop_timeout_s=4,
)


class Listening(NamedTuple):
    """An SP's listener, and how we log in to it."""

    host: str
    port: int
    name: str
    secret: str


class Heeds(Protocol):
    """Who is told what became of an item."""

    def heed(self, account: str, item: object, answer: object) -> None:
        """``answer`` is None where there was none."""
        ...


async def _nothing(_inbounds: Sequence[Inbound]) -> None:
    """An SP reports nothing to a carrier."""


class SgipPush:
    """Reports and replies of one account, over a connection that rests when there is nothing to tell (sgip §5)."""

    def __init__(self, account: str, to: Listening, node: int) -> None:
        self._account = account
        self._to = to
        self._node = node
        self._link: ChannelLink | None = None

    async def start(self, changed: Callable[[], None]) -> None:
        """Begin to connect; ``changed`` is called whenever sending may have become possible."""

        def look(_state: LinkState) -> None:
            changed()

        to = self._to
        self._link = ChannelLink(
            f"sgip report {self._account}",
            lambda _lane, _lanes: SgipCarrierClient(self._node, to.name, to.secret),
            Address(to.host, to.port),
            _LIMITS,
            Handlers(_nothing, look),
        )
        await self._link.start()

    async def stop(self) -> None:
        """End in order."""
        if self._link is not None:
            await self._link.stop()

    @property
    def free(self) -> int:
        """What may be sent now."""
        return self._link.free if self._link is not None else 0

    def send(self, item: Item, owner: Heeds) -> None:
        """Send; ``owner`` is told what became of it."""
        if self._link is None:
            raise RuntimeError("not started")
        item.tries += 1

        def build(dialect: ClientDialect, sequence: int) -> bytes:
            carrier = cast("SgipCarrierClient", dialect)
            what = item.what
            if isinstance(what, Report):
                return carrier.report(sequence, what, item.source, item.submitted_at)
            return carrier.reply(sequence, what, item.message_id)

        def done(outcomes: list[Outcome]) -> None:
            outcome = outcomes[0]
            if isinstance(outcome, NotSent) and outcome.why != "unsendable":
                item.tries -= 1  # it never left
            owner.heed(self._account, item, outcome if isinstance(outcome, InboundAnswer) else None)

        self._link.post([build], done)
