"""OPPO (Heytap) push, for OnePlus and realme too."""

from push.app.oppo.account import OppoAccount
from push.app.oppo.dialect import OppoDialect
from push.app.oppo.receipts import receipts

__all__ = ["OppoAccount", "OppoDialect", "receipts"]
