"""SMGP's vectors as the fact sheet writes them (§11), and the account they were made with."""

from __future__ import annotations

import msgspec

from push.sms.carrier import ClientDialect, Hello, Inbound, Reply, Report, Segment, Submitted, Welcome
from push.sms.smgp import SmgpAccount, SmgpClient, SmgpGateway, SmgpServer
from push.sms.smgp.account import Version
from tests.push.carrier_cases import EVENING, instant

LOGIN_AT = instant("20260301000000")
SUBMITTED_AT = instant("20251122093051")
ID = "01006101161700012345"
REPORT_ID = "01006101161701012345"

LOGIN = "0000002a00000001000000013130363930303030112c728f42579fed25cb3877ba296ca20211f0e54030"
SUBMIT = "000000a9000000020000002a0601024f414e4f54494345000030303030303030303030303030300f000000000000000000000000000000000000000000000000000000000000000000003130363930303030000000000000000000000000000000000000000000000000000000000000000000000131383930303030313131310000000000000000000016a1bec6bdc1b9cad0ceafb0eca1bfbbe1d2e9cda8d6aa0000000000000000"
SUBMIT_HEADER = "000000a0000000020000002b0601024f414e4f5449434500003030303030303030303030303030080000000000000000000000000000000000000000000000000000000000000000000031303639303030300000000000000000000000000000000000000000000000000000000000000000000001313839303030303131313100000000000000000000080500032a02014f1a00000000000000000002000101"
DELIVER_REPORT = "000000d3000000030000000701006101161701012346010032303235313132323039333035313138393030303031313131000000000000000000003130363930303030000000000000000000000000007a69643a01006101161701012345207375623a30303120646c7672643a303031205375626d697420646174653a3235313132323039333020646f6e6520646174653a3235313132323039333120737461743a44454c49565244206572723a30303020546578743a30323268656c6c6f0000000000000000000000000000000000000000"
ODD_REPORT = "69643a6495c36ac4ea6b00000b7375623a30303120646c7672643a303031207375626d69745f646174653a3138303730353232303720646f6e655f646174653a3138303730353232303720737461743a44454c49565244206572723a303030207478743ad6d0b9fa306138616535"

SEGMENT = Segment(
    to="18900001111", source="10690000", content=EVENING.encode("gb18030"), coding="gbk", priority=6
)
REPORT = Report(
    message_id=REPORT_ID,
    to="18900001111",
    state="delivered",
    stat="DELIVRD",
    error="000",
    done_at=instant("2511220931"),
)
REPLY = Reply(sender="18900001111", source="1069000012", content="参加".encode("gb18030"), coding="gbk")
ASKED = Submitted(sequence=0x2A, segment=SEGMENT, numbers=("18900001111",))


def account(version: Version = 0x30, **changes: object) -> SmgpAccount:
    """The account of the vectors."""
    fields = {"client_id": "10690000", "secret": "s3cret", "version": version, "service_id": "OANOTICE"}
    return msgspec.convert({**fields, **changes}, SmgpAccount)


def pair(version: Version = 0x30, **changes: object) -> tuple[SmgpClient, SmgpServer]:
    """A client and a server that agree on the version without a log-in."""
    gateway = SmgpGateway(version=version, report_text="022hello")
    return SmgpClient(account(version, **changes)), SmgpServer(gateway)


def inbound(client: ClientDialect, frame: bytes) -> Inbound:
    """What the client reads, which must be a DELIVER."""
    heard = client.read(frame)
    assert isinstance(heard, Inbound)
    return heard


def welcome(client: ClientDialect, frame: bytes) -> Welcome:
    """What the client reads, which must be the answer to its log-in."""
    heard = client.read(frame)
    assert isinstance(heard, Welcome)
    return heard


def login(client: SmgpClient, server: SmgpServer, code: int = 0) -> Welcome:
    """A log-in to its end."""
    hello = server.read(client.hello(1, LOGIN_AT))
    assert isinstance(hello, Hello)
    return welcome(client, server.welcome(hello, code, "s3cret"))
