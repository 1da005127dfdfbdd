"""What an SMPP command_status means for us (v3.4 §5.1.3), and its name for an operator."""

from __future__ import annotations

from typing import Final

from push.sms.carrier import Verdict

OK: Final = 0x00
UNKNOWN_COMMAND: Final = 0x03
SYSTEM_ERROR: Final = 0x08
BAD_DESTINATION: Final = 0x0B
WRONG_PASSWORD: Final = 0x0E
QUEUE_FULL: Final = 0x14
THROTTLED: Final = 0x58
TEMPORARY: Final = 0x64
BAD_TLVS: Final = 0xC0

CONFIGURATION: Final = frozenset((0x0D, 0x0E, 0x0F, 0x15, 0x53))
"""Bind failed, password, system_id, service_type, system_type: trying again does not mend them."""

_NAMES: Final[dict[int, str]] = {
    0x00: "ROK",
    0x01: "RINVMSGLEN",
    0x02: "RINVCMDLEN",
    0x03: "RINVCMDID",
    0x04: "RINVBNDSTS",
    0x05: "RALYBND",
    0x06: "RINVPRTFLG",
    0x07: "RINVREGDLVFLG",
    0x08: "RSYSERR",
    0x0A: "RINVSRCADR",
    0x0B: "RINVDSTADR",
    0x0C: "RINVMSGID",
    0x0D: "RBINDFAIL",
    0x0E: "RINVPASWD",
    0x0F: "RINVSYSID",
    0x11: "RCANCELFAIL",
    0x13: "RREPLACEFAIL",
    0x14: "RMSGQFUL",
    0x15: "RINVSERTYP",
    0x45: "RSUBMITFAIL",
    0x48: "RINVSRCTON",
    0x49: "RINVSRCNPI",
    0x50: "RINVDSTTON",
    0x51: "RINVDSTNPI",
    0x53: "RINVSYSTYP",
    0x54: "RINVREPFLAG",
    0x55: "RINVNUMMSGS",
    0x58: "RTHROTTLED",
    0x61: "RINVSCHED",
    0x62: "RINVEXPIRY",
    0x63: "RINVDFTMSGID",
    0x64: "RX_T_APPN",
    0x65: "RX_P_APPN",
    0x66: "RX_R_APPN",
    0x67: "RQUERYFAIL",
    0xFE: "RDELIVERYFAILURE",
    0xFF: "RUNKNOWNERR",
}
"""TLV errors c0-c4 have no name here: 3.4 and 5.0 name them differently (§7, 3)."""


LOGINS: Final = {
    0x05: "已经登录",
    0x0D: "登录失败",
    0x0E: "口令不对",
    0x0F: "系统标识不对",
    0x15: "业务类型不对",
    0x53: "系统类型不对",
}
"""Why a bind was refused, for the operator."""

_VERDICTS: Final[dict[int, Verdict]] = {
    OK: "accepted",
    THROTTLED: "throttled",
    SYSTEM_ERROR: "retry",
    QUEUE_FULL: "retry",
    TEMPORARY: "retry",
    BAD_DESTINATION: "bad_number",
    **dict.fromkeys(CONFIGURATION, "misconfigured"),
}


def verdicts(own: dict[int, Verdict]) -> dict[int, Verdict]:
    """What the status of a submit_sm_resp means on a channel; what it does not name is ``failed``."""
    return {**_VERDICTS, **own}


def code(status: int) -> str:
    """The status as the texts write it: hexadecimal, at least two digits."""
    return f"{status:02x}"


def name(status: int) -> str:
    """The status with its name where the 3.4 text has one, for an operator."""
    known = _NAMES.get(status)
    return f"{status:02x} {known}" if known else f"{status:02x}"
