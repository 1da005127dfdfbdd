"""All four ends of SGIP for its tests, and the sheet's vectors."""

from __future__ import annotations

import msgspec

from push.sms.carrier import Reply, Report, Segment
from push.sms.sgip import SgipAccount, SgipCarrierClient, SgipClient, SgipListener, SgipServer, sequences
from push.sms.sgip.sequences import Sequence

NODE = 3_093_312_345
SMG = 105_331

ACCOUNT = SgipAccount(
    node=NODE,
    corp_id="12345",
    login_name="oaclient",
    login_password="s3cret",
    sp_number="10655333",
    service_type="OANOTICE",
)
CLIENT = SgipClient(ACCOUNT)
LISTENER = SgipListener(NODE)
SERVER = SgipServer(SMG)
CARRIER = SgipCarrierClient(SMG, "oaclient", "s3cret")


def sequence(stamp: int, counter: int, node: int = NODE) -> int:
    """A sequence by its three parts."""
    return sequences.join(Sequence(node, stamp, counter))


def client(**changes: object) -> SgipClient:
    """A client whose account differs in ``changes``."""
    return SgipClient(msgspec.structs.replace(ACCOUNT, **changes))


LOGIN_AT = sequence(1122093000, 1)
SUBMITTED = sequence(1122093001, 2)
MESSAGE_ID = "b860335942e1c7c900000002"
REPORTED = sequence(1122093005, 77, SMG)
REPLIED = sequence(1122093105, 78, SMG)
ENDED = sequence(1122093200, 3)

SEGMENT = Segment(
    to="13012345678",
    source="10655333",
    content="【平凉市委办】会议通知".encode("gb18030"),
    coding="gbk",
    priority=0,
)
DELIVERED = Report(message_id=MESSAGE_ID, to="13012345678", state="delivered", stat="0")
REPLY = Reply(sender="13012345678", source="1065533312", content="参加".encode("gb18030"), coding="gbk")

BIND = (
    "0000003d00000001b860335942e1c7c800000001016f61636c69656e74000000000000000073336372657400000000"
    "0000000000000000000000000000"
)
BIND_OK = "0000001d80000001b860335942e1c7c800000001000000000000000000"
SUBMIT = (
    "000000ba00000003b860335942e1c7c90000000231303635353333330000000000000000000000000030303030303030"
    "30303030303030303030303030300138363133303132333435363738000000000000000031323334354f414e4f544943"
    "450000013000000000003000000000000002000000000000000000000000000000000000000000000000000000000000"
    "0000000100000f0000000016a1bec6bdc1b9cad0ceafb0eca1bfbbe1d2e9cda8d6aa0000000000000000"
)
REPORT = (
    "000000400000000500019b7342e1c7cd0000004db860335942e1c7c9000000020038363133303132333435363738"
    "000000000000000000000000000000000000"
)
DELIVER = (
    "000000510000000400019b7342e1c8310000004e38363133303132333435363738000000000000000031303635353333"
    "333132000000000000000000000000000f00000004b2cebcd30000000000000000"
)
UNBIND = "0000001400000002b860335942e1c89000000003"
UNBIND_OK = "0000001480000002b860335942e1c89000000003"
OTHERS_SUBMIT = (
    "000000a8000000030000000011f333f26ebb10dd31303635353931323530323800000000000000000000000000000000"
    "000000000000000000000000000001383631383635373131383633360000000000000000363131313800000000000000"
    "000000020000000000000000000000000000090000000000000000000000000000000000000000000000000000000000"
    "000000010000000000000004323333610000000000000000"
)
"""From the test of another implementation: 18657118636 pays, ASCII, priority 9."""
OTHERS_SEQUENCE = sequence(0x11F333F2, 0x6EBB10DD, 0)


def answer(command: int, code: int, at: int = SUBMITTED, reserve: int = 8) -> bytes:
    """A response with a result, its Reserve as long as told."""
    head = (21 + reserve).to_bytes(4, "big") + (0x8000_0000 | command).to_bytes(4, "big")
    return head + at.to_bytes(12, "big") + bytes((code,)) + bytes(reserve)
