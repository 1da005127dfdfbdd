"""What an operator sets for a CMPP channel, and what a gateway of our own (the simulator) is set to."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from push.sms.carrier import Verdict
from push.sms.checks import CheckServer, check_verdicts, fen, member
from push.sms.fields import octets

Version = Literal[0x20, 0x21, 0x30]
"""High nibble major, low nibble minor; 0x21 has the layouts of 2.0."""

VERSIONS: Final = (0x20, 0x21, 0x30)


class CmppAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of China Mobile. Every ValueError names the field that is wrong.

    The fee fields stand for an office's contract: the SP pays (``fee_user_type`` 2), the citizen never.
    """

    sp_id: str
    """Enterprise code, exactly 6 characters: peers pad or cut others in different ways before they hash (§12.4)."""
    secret: str
    version: Version = 0x30
    """What is offered; the gateway's answer decides (§4)."""
    service_id: str = ""
    """Business code (Service_Id), at most 10 characters, given by the carrier."""
    fee_user_type: Literal[0, 1, 2, 3] = 2
    fee_terminal: str = ""
    """Who pays where ``fee_user_type`` is 3, else empty."""
    fee_terminal_type: Literal[0, 1] = 0
    fee_type: Literal["01", "02", "03", "04", "05"] = "01"
    """01 free to the user, 02 per message, 03 monthly; 04 and 05 are of 2.0 only."""
    fee_code: str = "000000"
    """In fen, at most 6 digits."""
    number_prefix: Literal["", "86", "+86"] = ""
    """Written in front of every receiver."""
    check_server: CheckServer = "warn"
    verdicts: dict[int, Verdict] = {}
    """What the gateway's own results (100-199) mean; takes precedence over the sheet's table."""

    def __post_init__(self) -> None:
        if len(octets(self.sp_id, 6, "sp_id")) != 6:
            raise ValueError(f"sp_id: {self.sp_id!r} has not exactly 6 characters")
        if not octets(self.secret, 64, "secret"):
            raise ValueError("secret: is empty")
        member("version", self.version, VERSIONS)
        octets(self.service_id, 10, "service_id")
        _fees(self)
        member("number_prefix", self.number_prefix, ("", "86", "+86"))
        member("check_server", self.check_server, ("off", "warn", "strict"))
        check_verdicts(self.verdicts)

    def __repr__(self) -> str:
        return f"CmppAccount(sp_id={self.sp_id!r}, version={self.version:#x})"


class CmppGateway(msgspec.Struct, frozen=True, kw_only=True):
    """How a server of ours behaves, real gateways' habits included."""

    version: Version = 0x30
    """The highest supported."""
    pins_version: bool = False
    """Answer in ``version`` whatever the client offers (§4)."""
    service_id: str = ""
    """Service_Id of reports and replies."""
    narrow_reports: bool = False
    """Send the 60-byte report under 3.0, as some gateways do (§12.2)."""
    smsc_sequence: int = 0
    """SMSC_sequence of reports; nobody reads it."""

    def __post_init__(self) -> None:
        member("version", self.version, VERSIONS)
        octets(self.service_id, 10, "service_id")


def _fees(account: CmppAccount) -> None:
    member("fee_user_type", account.fee_user_type, (0, 1, 2, 3))
    member("fee_terminal_type", account.fee_terminal_type, (0, 1))
    member("fee_type", account.fee_type, ("01", "02", "03", "04", "05"))
    if account.version == 0x30 and account.fee_type in ("04", "05"):
        raise ValueError(f"fee_type: {account.fee_type} is of CMPP 2.0 only")
    octets(account.fee_terminal, 21 if account.version < 0x30 else 32, "fee_terminal")
    if bool(account.fee_terminal) != (account.fee_user_type == 3):
        raise ValueError("fee_terminal: is for fee_user_type 3 and only for it")
    fen("fee_code", account.fee_code)
