"""What an operator sets for an SMGP channel, and what a gateway of our own (the simulator) is set to."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from push.sms.carrier import Verdict
from push.sms.checks import CheckServer, check_verdicts, fen, member
from push.sms.fields import octets

Version = Literal[0x13, 0x30]
"""High nibble major, low nibble minor; 1.3 has no FixedFee in SUBMIT (§9)."""

VERSIONS: Final = (0x13, 0x30)


class SmgpAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of China Telecom. Every ValueError names the field that is wrong."""

    client_id: str
    """1 to 8 characters; it is hashed without padding, which some gateways do otherwise for less than 8 (§10.2)."""
    secret: str
    """1 to 15 characters (§3)."""
    version: Version = 0x30
    """As the carrier says; it is never guessed from the gateway's answer (§9)."""
    mode: Literal[0, 1, 2] = 2
    """LoginMode: 0 send, 1 receive, 2 both. Reports and replies arrive on 1 or 2 only."""
    service_id: str = ""
    fee_type: Literal["00", "01", "02", "03"] = "00"
    """00 free, 01 per message, 02 monthly, 03 cap."""
    fee_code: str = "000000"
    """In fen, at most 6 digits; so is ``fixed_fee``."""
    fixed_fee: str = "000000"
    charge_terminal: str = ""
    """Empty: an office's account is charged by contract."""
    charge_user_type: Literal[0, 1, 2, 3] | None = None
    """TLV 0004, left out where None: 0 receiver, 1 sender, 2 SP, 3 by number."""
    msg_src: str = ""
    """SP code, TLV 0010, at most 8 characters; left out where empty."""
    product_id: str = ""
    """MServiceID, TLV 0012, at most 21 characters; left out where empty."""
    number_prefix: Literal["", "86", "+86"] = ""
    check_server: CheckServer = "warn"
    throttle_codes: tuple[int, ...] = ()
    """Statuses that mean "too fast" here: the text has none, carriers use a code of their own or 1 (§7)."""
    verdicts: dict[int, Verdict] = {}
    """What the gateway's own statuses (128-255) mean; takes precedence over the sheet's table."""

    def __post_init__(self) -> None:
        for field, value, most in (("client_id", self.client_id, 8), ("secret", self.secret, 15)):
            if not octets(value, most, field):
                raise ValueError(f"{field}: is empty")
        member("version", self.version, VERSIONS)
        member("mode", self.mode, (0, 1, 2))
        _fees(self)
        octets(self.service_id, 10, "service_id")
        octets(self.msg_src, 8, "msg_src")
        octets(self.product_id, 21, "product_id")
        member("number_prefix", self.number_prefix, ("", "86", "+86"))
        member("check_server", self.check_server, ("off", "warn", "strict"))
        if any(code < 1 for code in self.throttle_codes):
            raise ValueError(f"throttle_codes: {self.throttle_codes} holds what is no refusal")
        check_verdicts(self.verdicts)

    def __repr__(self) -> str:
        return f"SmgpAccount(client_id={self.client_id!r}, version={self.version:#x})"


class SmgpGateway(msgspec.Struct, frozen=True, kw_only=True):
    """How a server of ours behaves."""

    version: Version = 0x30
    """The highest supported; a client that says 1.3 is read in 1.3."""
    report_text: str = "000"
    """The last field of a report: three digits of length, then up to 17 characters of the text it is about."""

    def __post_init__(self) -> None:
        member("version", self.version, VERSIONS)
        octets(self.report_text, 20, "report_text")


def _fees(account: SmgpAccount) -> None:
    member("fee_type", account.fee_type, ("00", "01", "02", "03"))
    member("charge_user_type", account.charge_user_type, (None, 0, 1, 2, 3))
    fen("fee_code", account.fee_code)
    fen("fixed_fee", account.fixed_fee)
    octets(account.charge_terminal, 21, "charge_terminal")
