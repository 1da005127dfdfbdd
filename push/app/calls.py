"""What one vendor's HTTP API has to say of itself, apart from all I/O: requests to make, answers to read, receipts. Pure.

A vendor is a ``Dialect``: frozen data of its account and functions over it. ``vendor_http.VendorSender`` carries any of
them. ``now`` is always in UTC microseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from inbox_store.times import DAY_US, US, day_of, day_start
from push.app.sender import Deferred, InDoubt, Outcome, Push, Refused, Vendor
from push.app.tokens import Grant, TokenRules

JSON: Final = "application/json; charset=utf-8"
TO_DO: Final = "TO" + "DO"  # in pieces: the whole word is the house's mark of unfinished work
"""OPPO's and vivo's category of things that somebody has to do: notices of an office."""
FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. ``host`` is empty for the vendor's usual one, else ``https://…`` (a log-in elsewhere)."""

    method: str = "POST"
    host: str = ""
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor reports: it is on the device. ``receipt`` is that of Accepted."""

    receipt: str
    token: str = ""
    at: int | None = None
    """UTC microseconds, where the vendor says so."""


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor reports: it will not get there. ``gone``: the device's address is dead, on one of the listed codes only."""

    receipt: str
    code: str
    token: str = ""
    gone: bool = False
    at: int | None = None


Receipt = Delivered | Failed


class NotTheirs(ValueError):
    """A callback that does not show that the vendor sent it, or that nobody can read; the text is for the log."""


class Dialect(Protocol):
    """One account with one vendor."""

    @property
    def vendor(self) -> Vendor:
        """Which."""
        ...

    @property
    def url(self) -> str:
        """Where its requests go, without a path."""
        ...

    @property
    def batch_max(self) -> int:
        """Devices that one request takes."""
        ...

    @property
    def idempotent(self) -> bool:
        """Whether the same Push sent twice alerts once, so that what is in doubt may be sent again."""
        ...

    @property
    def per_minute(self) -> int:
        """Messages that one token takes within a minute; 0: no limit."""
        ...

    @property
    def suspect_codes(self) -> frozenset[str]:
        """Codes of refusals that prove a token dead only when they repeat (push.app.suspects)."""
        ...

    @property
    def token_rules(self) -> TokenRules:
        """When to ask for a token again."""
        ...

    def lane(self, push: Push) -> str:
        """What it may share a request with: pushes of equal lanes go together."""
        ...

    def door(self, lane: str) -> str:
        """Which token a lane needs: lanes of equal doors share one."""
        ...

    def unsendable(self, push: Push) -> Refused | None:
        """Why the vendor would refuse it whatever its state; None where it may be asked."""
        ...

    def login(self, now: int, lane: str) -> Request | Grant | None:
        """How to get a token: by asking, by signing one oneself; None where no token is needed."""
        ...

    def granted(self, answer: Answer, now: int) -> Grant | Refused | Deferred:
        """The answer to ``login``."""
        ...

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:
        """The request for pushes of one lane, at most ``batch_max``."""
        ...

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:
        """One for each, in their order."""
        ...

    def stale(self, answer: Answer) -> bool:
        """Whether the token was refused, so that a new one is worth one more try."""
        ...


class DialectBase:
    """What most vendors have in common: no suspects, one token if any, none of its own accord."""

    idempotent: bool = False
    per_minute: int = 0
    suspect_codes: frozenset[str] = frozenset()
    token_rules: TokenRules = TokenRules()

    def door(self, lane: str) -> str:  # noqa: ARG002 - the port's
        """One token for everything."""
        return ""

    def unsendable(self, push: Push) -> Refused | None:  # noqa: ARG002 - the port's
        """Everything may be asked."""
        return None

    def login(self, now: int, lane: str) -> Request | Grant | None:  # noqa: ARG002 - the port's
        """No token is needed."""
        return None

    def granted(self, answer: Answer, now: int) -> Grant | Refused | Deferred:  # noqa: ARG002 - the port's
        """Nobody asked."""
        return Refused(code=f"http_{answer.status}", alarm=True)

    def stale(self, answer: Answer) -> bool:  # noqa: ARG002 - the port's
        """There is no token to refuse."""
        return False


# Words that all vendors share ----------------------------------------------------------------------------------------


def content_key(push: Push) -> str:
    """Equal for pushes that differ only in who they are for: one body may go to all of them."""
    told = (push.title, push.body, push.url, push.tag, push.ttl_s, push.urgent, push.silent, push.badge)
    return msgspec.json.encode(told).decode()


def receipt_of(given: str, token: str) -> str:
    """The receipt of one device in a batch that the vendor gave one id: it reports id and token together."""
    return f"{given}/{hashlib.sha256(token.encode()).hexdigest()[:16]}" if given else ""


def short_id(push_id: str, length: int = 20) -> str:
    """``push_id`` in ``length`` characters of 0-9 a-f, alike each time: vendors' keys are shorter than ours."""
    return hashlib.sha256(push_id.encode()).hexdigest()[:length]


def notify_id(push: Push) -> int:
    """A number of 1..2^31-1 by which alerts of one tag replace each other; of one's own without a tag."""
    digest = hashlib.sha256((push.tag or push.id).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 0x7FFF_FFFF + 1


def clipped(text: str, most: int) -> str:
    """At most ``most`` characters, the last an ellipsis where something was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def midnight_s(now: int) -> float:
    """Seconds until the vendors' midnight (UTC+8): daily numbers begin anew then (Xiaomi §4, vivo)."""
    return (day_start(day_of(now)) + DAY_US - now) / US


def json_request(path: str, body: object, headers: Mapping[str, str] | None = None) -> Request:
    """POST JSON."""
    return Request(
        path=path, headers={"Content-Type": JSON, **(headers or {})}, body=msgspec.json.encode(body)
    )


def form_request(
    path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None, host: str = ""
) -> Request:
    """POST a form in UTF-8."""
    body = urlencode(form).encode()
    return Request(path=path, headers={"Content-Type": FORM, **(headers or {})}, body=body, host=host)


def parsed(body: bytes) -> dict[str, object] | None:
    """The JSON object of an answer; None for anything else."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def table(value: object) -> dict[str, object]:
    """A JSON object inside an answer; empty for anything else."""
    return value if isinstance(value, dict) else {}


def words(value: object) -> list[str]:
    """The strings of a JSON list; empty for anything else."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def word(value: object) -> str:
    """A code or an id as text, whether it came as number or string; empty for anything else."""
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_plain else ""


def from_millis(value: object) -> int | None:
    """UTC microseconds of a vendor's milliseconds, as number or text; None for what is no time of this age of the world."""
    told = word(value)
    is_time = told.isascii() and told.isdecimal() and 10 <= len(told) <= 14
    return int(told) * 1000 if is_time else None


def all_of(outcome: Outcome, pushes: Sequence[Push]) -> list[Outcome]:
    """The same for each."""
    return [outcome] * len(pushes)


def http_fault(answer: Answer) -> Outcome | None:
    """What an HTTP status says by itself; None where the body has to be read (2xx, and 400 of some vendors).

    429 and 503 are flow control, 401 and 403 the account's fault, other 5xx pass; anything else is our own bug.
    """
    status, code = answer.status, f"http_{answer.status}"
    if 200 <= status < 300 or status == 400:
        return None
    if status in (429, 503):
        return Deferred(code=f"flow:{code}", after_s=retry_after_s(answer))
    if status >= 500 or status == 408:
        return Deferred(code=f"server:{code}", after_s=retry_after_s(answer))
    return Refused(code=code, alarm=status in (401, 403, 404))


def unread(answer: Answer) -> Outcome:
    """An answer that nobody can read: with 2xx the vendor may have taken it."""
    return InDoubt(why="unreadable answer") if answer.status < 300 else Refused(code=f"http_{answer.status}")


def retry_after_s(answer: Answer) -> float | None:
    """Seconds of a Retry-After, at most a day; a date, which needs the other end's clock, counts as none."""
    text = answer.headers.get("retry-after", "").strip()
    return float(min(int(text[:9]), 86_400)) if text.isascii() and text.isdecimal() else None


def check_url(field: str, url: str) -> None:
    """Raises ValueError naming the field unless it is an http(s) address without a trailing slash."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or url.endswith("/"):
        raise ValueError(f"{field}: {url!r} is no http or https address without a slash at its end")


def check_word(field: str, told: str, known: Collection[str]) -> None:
    """Raises ValueError naming the field unless it is one of the words known."""
    if told not in known:
        raise ValueError(f"{field}: {told!r} is not one of {', '.join(sorted(known))}")


def check_filled(struct: msgspec.Struct, *fields: str) -> None:
    """Raises ValueError naming the first field that is empty; never shows a value."""
    for field in fields:
        if not getattr(struct, field):
            raise ValueError(f"{field}: is empty")


def full_url(base: str, path: str) -> str:
    """Where a tap leads: our own path behind the house's address; other addresses as they are."""
    return path if "://" in path or not path else f"{base}{path}"
