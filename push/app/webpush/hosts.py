"""Which push services may be asked now: a breaker and a pause for each origin, bounded in number. Pure.

``now`` is in microseconds on a clock that never jumps. A refusal of one subscription says nothing against its host;
answers that never came, connections that fail and 5xx do. 429 is the endpoint's own pace, and the host's only when
many of its endpoints say so without one success between.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from inbox_store.times import US
from push.app.sender import Accepted, Deferred, InDoubt, Outcome
from push.sms.breaker import Breaker, BreakerRules


class HostRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a push service is left alone for a while."""

    breaker: BreakerRules = BreakerRules()
    throttles_max: int = 8
    """Answers 429 in a row before all endpoints of the host wait."""
    throttled_s: float = 5
    """How long, where the host does not say."""
    pause_max_s: float = 300
    """The longest Retry-After that is heeded for a whole host."""
    hosts_max: int = 10_000
    """Hosts remembered: users name them."""


class Host:
    """What is known of one origin."""

    __slots__ = ("__weakref__", "_breaker", "_paused_until", "_rules", "_throttles", "trying")

    def __init__(self, rules: HostRules) -> None:
        self._rules = rules
        self._breaker = Breaker(rules.breaker)
        self._paused_until = 0
        self._throttles = 0
        self.trying = 0
        """Requests under way: a host is not forgotten meanwhile."""

    def wait_us(self, now: int) -> int:
        """Microseconds until the host may be asked; 0: now. While one trial is under way others wait for its pause."""
        if now < self._paused_until:
            return self._paused_until - now
        if self._breaker.admits(now):
            return 0
        return max(US, (self._breaker.due() or 0) - now)

    def began(self, now: int) -> None:
        """A request leaves."""
        self.trying += 1
        self._breaker.began(now)

    def gave_up(self, now: int) -> None:
        """A request was cancelled: nothing is known."""
        self.trying -= 1
        self._breaker.answered("throttled", now)

    def ended(self, outcome: Outcome, now: int) -> None:
        """A request has an outcome."""
        self.trying -= 1
        if isinstance(outcome, Deferred):
            self._deferred(outcome, now)
        elif isinstance(outcome, InDoubt):
            self._breaker.failed("in_doubt", now)
        elif isinstance(outcome, Accepted) or not outcome.alarm:
            self._throttles = 0
            self._breaker.answered("accepted", now)
        else:
            # It answers, but believes us in nothing: no proof for the host, nor against it.
            self._breaker.answered("failed", now)

    def _deferred(self, outcome: Deferred, now: int) -> None:
        if not outcome.code.startswith("flow:"):
            self._breaker.failed(outcome.code, now)
            self._pause(outcome.after_s, now)
            return
        self._breaker.answered("throttled", now)
        self._throttles += 1
        if self._throttles >= self._rules.throttles_max:
            self._throttles = 0
            self._pause(outcome.after_s or self._rules.throttled_s, now)

    def _pause(self, after_s: float | None, now: int) -> None:
        if after_s:
            until = now + int(min(after_s, self._rules.pause_max_s) * US)
            self._paused_until = max(self._paused_until, until)


class Hosts:
    """All of them; the one not asked for longest is forgotten first."""

    def __init__(self, rules: HostRules) -> None:
        self._rules = rules
        self._hosts: OrderedDict[str, Host] = OrderedDict()

    def __len__(self) -> int:
        """Hosts remembered."""
        return len(self._hosts)

    def of(self, origin: str) -> Host:
        """The host behind an origin."""
        host = self._hosts.get(origin)
        if host is None:
            host = self._hosts[origin] = Host(self._rules)
            self._forget()
        self._hosts.move_to_end(origin)
        return host

    def _forget(self) -> None:
        if len(self._hosts) > self._rules.hosts_max:
            idle = next((origin for origin, host in self._hosts.items() if not host.trying), None)
            if idle is not None:
                del self._hosts[idle]
