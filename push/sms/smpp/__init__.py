"""SMPP 3.4: the protocol of international aggregators, Kannel and Jasmin; a client (ESME) and a far end (SMSC)."""

from __future__ import annotations

from push.sms.smpp.account import SmppAccount, SmscAccount
from push.sms.smpp.client import SmppClient
from push.sms.smpp.server import SmppServer

__all__ = ["SmppAccount", "SmppClient", "SmppServer", "SmscAccount"]
