"""SGIP 1.2: China Unicom's protocol, with the codes of 1.2 or 1.3; both sides submit, so both sides connect and listen."""

from __future__ import annotations

from push.sms.sgip.account import SgipAccount
from push.sms.sgip.carrier_client import SgipCarrierClient
from push.sms.sgip.client import SgipClient
from push.sms.sgip.server import SgipListener, SgipServer

__all__ = ["SgipAccount", "SgipCarrierClient", "SgipClient", "SgipListener", "SgipServer"]
