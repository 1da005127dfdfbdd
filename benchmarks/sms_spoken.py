"""The four protocols as the short message figures speak them: our side's dialect, and how many bytes a message takes."""

from __future__ import annotations

from typing import Final, NamedTuple

from push.sms.carrier import Inbound, Report, Segment, Submitted
from push.sms.cmpp import CmppAccount, CmppClient
from push.sms.ports import Dialects
from push.sms.sgip import SgipAccount, SgipCarrierClient, SgipClient, SgipListener
from push.sms.simulator.protocols import NODE, SPOKEN, Name
from push.sms.smgp import SmgpAccount, SmgpClient
from push.sms.smpp import SmppAccount, SmppClient

ACCOUNT: Final = "900001"
SECRET: Final = "888888"  # noqa: S105 - the simulator's own, which guards nothing
SOURCE: Final = "106573339001"
TEXT: Final = "【平凉市委办】会议通知"
OUR_NODE: Final = 3_093_312_345
NOW: Final = 1_764_000_000_000_000

SEGMENT: Final = Segment(to="13800138000", source=SOURCE, content=TEXT.encode("utf-16-be"), coding="ucs2")


class Bytes(NamedTuple):
    """Of one message: our submit and our answer to its report, the gateway's answer and its report."""

    there: tuple[int, int]
    back: tuple[int, int]


def ours(name: Name) -> Dialects:
    """Our side towards a gateway."""
    if name == "cmpp":
        mobile = CmppAccount(sp_id=ACCOUNT, secret=SECRET, service_id="OANOTICE")
        return lambda _lane, _lanes: CmppClient(mobile)
    if name == "smgp":
        telecom = SmgpAccount(client_id=ACCOUNT, secret=SECRET, service_id="OANOTICE", throttle_codes=(1,))
        return lambda _lane, _lanes: SmgpClient(telecom)
    if name == "smpp":
        smsc = SmppAccount(system_id=ACCOUNT, password=SECRET)
        return lambda _lane, _lanes: SmppClient(smsc)
    unicom = SgipAccount(
        node=OUR_NODE, corp_id="12345", login_name=ACCOUNT, login_password=SECRET, sp_number=SOURCE
    )
    return lambda lane, lanes: SgipClient(unicom, lane, lanes)


def report_of(message_id: str, number: str) -> Report:
    """It was delivered."""
    return Report(
        message_id=message_id, to=number, state="delivered", stat="DELIVRD", error="000", done_at=NOW
    )


def sizes(name: Name) -> Bytes:
    """The bytes of a message, as both sides write it."""
    near, far = ours(name)(0, 1), SPOKEN[name].dialect()
    sequence = near.first_sequence(NOW)
    submit = near.submit(sequence, SEGMENT)
    asked = far.read(submit)
    assert isinstance(asked, Submitted)
    (message_id,) = SPOKEN[name].ids(NOW).of(asked, NOW)
    answer = far.submit_answer(asked, message_id, 0)
    told = report_of(message_id, SEGMENT.to)
    if name == "sgip":
        carrier = SgipCarrierClient(NODE, ACCOUNT, SECRET)
        report = carrier.report(sequence, told, SOURCE, NOW)
        heard: object = SgipListener(OUR_NODE).read(report)
    else:
        report = far.report(sequence, told, SOURCE, NOW)
        heard = near.read(report)
    assert isinstance(heard, Inbound)
    return Bytes((len(submit), len(heard.answer)), (len(answer), len(report)))
