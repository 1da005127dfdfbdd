"""Delivery receipts of SMPP: a text by labels and TLVs beside it (v3.4 appendix B, §5.3.2.12, §5.3.2.35)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from push.sms.carrier import Report, ReportState
from push.sms.fields import bare, minutes, read_time, report_state
from push.sms.smpp import pdu
from push.sms.smpp.account import IdForm

WORDS: Final[dict[int, str]] = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""message_state and the word that says the same in a text."""

PROOFS: Final = frozenset((pdu.RECEIPTED_ID, pdu.MESSAGE_STATE))
"""TLVs that only a receipt has."""

_NUMBERS: Final = {word: number for number, word in WORDS.items()}
_UNDELIVERABLE: Final = 5

# The usual form at one glance; any other order, case or gap is searched label by label.
_USUAL: Final = re.compile(
    r"id:(\S+) sub:\S* dlvrd:\S* submit date:\S* done date:(\S*) stat:(\S+) err:(\S*)(?: text:|$)"
)
_LABEL: Final = re.compile(
    r"(?<![a-z])(id|sub|dlvrd|submit[ _-]?date|done[ _-]?date|stat|err|text)\s*:", re.IGNORECASE
)
_JOINTS: Final = str.maketrans("", "", " _-")
_HEX: Final = re.compile(r"[0-9a-f]{1,64}", re.IGNORECASE)
_DECIMAL: Final = re.compile(r"[0-9]{1,64}")


class Told(msgspec.Struct, frozen=True, gc=False):
    """What the text of a receipt says, as it came; empty where it says nothing."""

    message_id: str = ""
    stat: str = ""
    error: str = ""
    done: str = ""


def same(message_id: str) -> str:
    """An id as it is compared: lower case, without leading zeros; peers write one id in several ways."""
    return message_id.lower().lstrip("0") or message_id[:1]


def as_answered(message_id: str, form: IdForm) -> str:
    """The id that submit_sm_resp gave, from the one in the text of a receipt; what is no such number stays as it is."""
    plain = same(message_id)
    if form == "hex_to_decimal" and _DECIMAL.fullmatch(plain):
        return f"{int(plain):x}"
    if form == "decimal_to_hex" and _HEX.fullmatch(plain):
        return str(int(plain, 16))
    return plain


def as_told(message_id: str, form: IdForm) -> str:
    """The id for the text of a receipt, from the one that submit_sm_resp gave: what ``as_answered`` undoes."""
    if form == "hex_to_decimal" and _HEX.fullmatch(message_id):
        return str(int(message_id, 16))
    if form == "decimal_to_hex" and _DECIMAL.fullmatch(message_id):
        return f"{int(message_id):x}"
    return message_id


def told(text: str) -> Told:
    """What a text says by its labels, in any order and case.

    Behind ``text:`` stands what the sender wrote, which may look like labels: there the last one counts, before it the first.
    """
    usual = _USUAL.match(text)
    if usual:
        message_id, done, stat, error = usual.groups()
        return Told(message_id, stat, error, done)
    labels = list(_LABEL.finditer(text))
    found: dict[str, str] = {}
    quoted: dict[str, str] = {}
    where = found
    ends = (*(label.start() for label in labels[1:]), len(text))
    for label, end in zip(labels, ends, strict=False):  # without a label there is an end too many
        name = label[1].lower().translate(_JOINTS)
        value = text[label.end() : end].strip(" \0\r\n\t").partition(" ")[0]
        if where is quoted:
            quoted[name] = value
        else:
            found.setdefault(name, value)
        if name == "text":
            where = quoted
    merged = quoted | found
    return Told(*(merged.get(name, "") for name in ("id", "stat", "err", "donedate")))


def read(text: str, tlvs: pdu.Tlvs, phone: str, form: IdForm, *, intermediate: bool) -> Report | None:
    """The report that a receipt is, its TLVs preferred; None where it names no message or no state.

    An intermediate notice waits whatever it says. A TLV with the very id of the text has changed as the text has.
    """
    said = told(text.strip(" \0\r\n\t"))
    tlv_id = _c_string(tlvs.get(pdu.RECEIPTED_ID, b""))
    is_own = tlv_id and tlv_id != said.message_id
    message_id = same(tlv_id) if is_own else as_answered(tlv_id or said.message_id, form)
    stat = said.stat
    word = WORDS.get(int.from_bytes(tlvs.get(pdu.MESSAGE_STATE, b""), "big"))
    # The text's own word says more (MA:0001), as long as it does not contradict.
    if word and (not stat or report_state(stat) != report_state(word)):
        stat = word
    if not message_id or not stat:
        return None
    state: ReportState = "waiting" if intermediate else report_state(stat)
    return Report(
        message_id=message_id,
        to=bare(phone),
        state=state,
        stat=stat,
        error=(said.error.strip("0") and said.error) or _network_error(tlvs),
        done_at=read_time(said.done) if said.done else None,
    )


def _c_string(value: bytes) -> str:
    return value.partition(b"\0")[0].decode("latin-1").strip(" ")


def _network_error(tlvs: pdu.Tlvs) -> str:
    value = tlvs.get(pdu.NETWORK_ERROR, b"")
    code = int.from_bytes(value[1:3], "big")
    return str(code) if len(value) == 3 and code else ""


def text(report: Report, message_id: str, submitted_at: int, sent: str = "") -> str:
    """The usual text of a receipt, with ``message_id`` as the text is to name it and what was ``sent``."""
    done_at = submitted_at if report.done_at is None else report.done_at
    delivered = int(report.state == "delivered")
    return (
        f"id:{message_id} sub:001 dlvrd:{delivered:03} submit date:{minutes(submitted_at)}"
        f" done date:{minutes(done_at)} stat:{report.stat} err:{report.error or '000'} text:{sent}"
    )


def tlvs(report: Report) -> dict[int, bytes]:
    """The TLVs of a receipt; a word of the carrier's own is UNDELIVERABLE."""
    number = _NUMBERS.get(report.stat, _UNDELIVERABLE)
    return {
        pdu.RECEIPTED_ID: pdu.c_octets(report.message_id, 65, "message_id"),
        pdu.MESSAGE_STATE: bytes((number,)),
    }
