"""Apple's answers and what each means for us (apns §4). Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from push.app.calls import Answer, parsed, retry_after_s, word
from push.app.sender import Accepted, Deferred, Outcome, Refused
from push.sms.carrier import Verdict

Step = Literal["told", "new_token", "last_token", "new_connection", "shorten"]
"""What to do with an answer: tell its outcome; or mend something and send once more."""

GONE: Final = frozenset({"Unregistered", "ExpiredToken"})
ELSEWHERE: Final = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic"})
"""Dead for this environment or topic: believed only once the account has been seen to fit somebody's device."""
SETUP: Final = frozenset(
    {
        "InvalidProviderToken", "MissingProviderToken", "ExpiredProviderToken", "BadCertificate",
        "BadCertificateEnvironment", "Forbidden", "TopicDisallowed", "BadTopic", "MissingTopic",
        "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken", "UnrelatedKeyIdInToken", "InvalidPushType",
    }
)  # fmt: skip
"""Whatever is sent, it would be refused: nothing more is sent for a while."""

AGAIN_S: Final = 300.0
"""Too many to one device: its alerts wait; the others do not."""


class Verdicted(NamedTuple):
    """An answer's outcome, what it says about the account as a whole, and the step that comes first, once."""

    outcome: Outcome
    weight: Verdict
    step: Step = "told"


def reason_of(answer: Answer) -> str:
    """The reason of an error; ``http_<status>`` where the body is empty or strange."""
    return word((parsed(answer.body) or {}).get("reason"))[:80] or f"http_{answer.status}"


def verdict_of(answer: Answer, *, proven: bool) -> Verdicted:
    """What an answer means. ``proven``: a device of this environment and topic was known to Apple before."""
    status = answer.status
    if status == 200:
        return Verdicted(Accepted(receipt=answer.headers.get("apns-id", "")), "accepted")
    reason = reason_of(answer)
    if status == 410 or reason in ELSEWHERE:
        return _dead(reason, status, proven=proven)
    if status == 429:
        return _too_many(reason, answer)
    if status >= 500:
        return _overloaded(reason, answer)
    return _refused(reason, status)


def _dead(reason: str, status: int, *, proven: bool) -> Verdicted:
    if status == 410:
        return Verdicted(Refused(code=reason, gone=reason in GONE), "accepted")
    return Verdicted(Refused(code=reason, gone=proven, alarm=not proven), "failed")


def _too_many(reason: str, answer: Answer) -> Verdicted:
    after_s = retry_after_s(answer)
    if reason == "TooManyProviderTokenUpdates":
        return Verdicted(Deferred(code=f"auth:{reason}", after_s=after_s), "throttled", "last_token")
    return Verdicted(Deferred(code=f"flow:{reason}", after_s=after_s or AGAIN_S), "throttled")


def _overloaded(reason: str, answer: Answer) -> Verdicted:
    outcome = Deferred(code=f"server:{reason}", after_s=retry_after_s(answer))
    return Verdicted(outcome, "retry", "new_connection" if reason == "Shutdown" else "told")


def _refused(reason: str, status: int) -> Verdicted:
    if reason == "IdleTimeout":
        return Verdicted(Deferred(code=f"server:{reason}"), "throttled", "new_connection")
    if reason == "ExpiredProviderToken":
        return Verdicted(Refused(code=reason, alarm=True), "misconfigured", "new_token")
    if reason == "PayloadTooLarge" or status == 413:
        return Verdicted(Refused(code=reason), "failed", "shorten")
    setup = status == 403 or reason in SETUP
    return Verdicted(Refused(code=reason, alarm=True), "misconfigured" if setup else "failed")
