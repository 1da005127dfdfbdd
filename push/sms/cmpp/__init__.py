"""CMPP 2.0, 2.1 and 3.0, China Mobile's protocol: bytes in, values out, on both sides."""

from push.sms.cmpp.account import CmppAccount, CmppGateway
from push.sms.cmpp.client import CmppClient
from push.sms.cmpp.server import CmppServer

__all__ = ["CmppAccount", "CmppClient", "CmppGateway", "CmppServer"]
