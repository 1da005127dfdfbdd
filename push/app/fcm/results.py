"""Google's answers and what each means for us (fcm §3). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from push.app.calls import Answer, parsed, retry_after_s, table, word
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Refused
from push.sms.carrier import Verdict

QUOTA_S: Final = 60.0
TOKEN_FIELD: Final = "message.token"  # noqa: S105 - the name of a field
TOKEN_WORDS: Final = "registration token is not a valid"  # noqa: S105 - what an error says


class Verdicted(NamedTuple):
    """An answer's outcome, what it says about the account as a whole, whether a new access token is worth one more try."""

    outcome: Outcome
    weight: Verdict
    stale: bool = False


class Fault(NamedTuple):
    """An error as it is told: the FCM code, the general status, whether the device's token is what is wrong."""

    code: str
    status: str
    names_token: bool


def fault_of(answer: Answer) -> Fault:
    """Read ``errorCode`` from FCM's own detail, ``status``, and the fields that were found wrong."""
    error = table((parsed(answer.body) or {}).get("error"))
    code, names_token = "", TOKEN_WORDS in word(error.get("message")).lower()
    for detail in _tables(error.get("details")):
        kind = word(detail.get("@type"))
        if kind.endswith("FcmError"):
            code = word(detail.get("errorCode"))[:80]
        elif kind.endswith("google.rpc.BadRequest"):
            fields = {word(one.get("field")) for one in _tables(detail.get("fieldViolations"))}
            names_token = names_token or TOKEN_FIELD in fields
    return Fault(code, word(error.get("status"))[:80], names_token)


def _tables(value: object) -> Iterator[dict[str, object]]:
    return (table(one) for one in value) if isinstance(value, list) else iter(())


def verdict_of(answer: Answer, *, proven: bool) -> Verdicted:
    """What an answer means. ``proven``: this project has reached a device before."""
    if answer.status == 200:
        return Verdicted(Accepted(receipt=word((parsed(answer.body) or {}).get("name"))), "accepted")
    fault = fault_of(answer)
    code = fault.code or fault.status or f"http_{answer.status}"
    if code == "UNREGISTERED":
        return Verdicted(Refused(code=code, gone=True), "accepted")
    if code == "INVALID_ARGUMENT":
        return Verdicted(Refused(code=code, gone=fault.names_token, alarm=not fault.names_token), "failed")
    if code == "SENDER_ID_MISMATCH":
        # Of another project: all of them are where the project's file is the wrong one.
        return Verdicted(Refused(code=code, gone=proven, alarm=not proven), "failed")
    return _passing(answer, code) or _lasting(answer, code)


def _passing(answer: Answer, code: str) -> Verdicted | None:
    """What may go through later; None for what stays."""
    status, after_s = answer.status, retry_after_s(answer)
    if code in ("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED") or status == 429:
        return Verdicted(Deferred(code=f"flow:{code}", after_s=after_s or QUOTA_S), "throttled")
    if code in ("UNAVAILABLE", "INTERNAL") or status in (500, 503):
        return Verdicted(Deferred(code=f"server:{code}", after_s=after_s), "retry")
    if status >= 500:
        # A gateway's page says nothing about what stands behind it.
        return Verdicted(InDoubt(why=code), "retry")
    return None


def _lasting(answer: Answer, code: str) -> Verdicted:
    if answer.status == 401 and code != "THIRD_PARTY_AUTH_ERROR":
        return Verdicted(Refused(code=code, alarm=True), "misconfigured", stale=True)
    weight: Verdict = "misconfigured" if answer.status in (401, 403, 404) else "failed"
    return Verdicted(Refused(code=code, alarm=True), weight)
