"""SMGP 3.0 and 1.3, China Telecom's protocol: bytes in, values out, on both sides."""

from push.sms.smgp.account import SmgpAccount, SmgpGateway
from push.sms.smgp.client import SmgpClient
from push.sms.smgp.server import SmgpServer

__all__ = ["SmgpAccount", "SmgpClient", "SmgpGateway", "SmgpServer"]
