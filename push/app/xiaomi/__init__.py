"""Xiaomi Push (MiPush)."""

from push.app.xiaomi.account import XiaomiAccount
from push.app.xiaomi.dialect import XiaomiDialect
from push.app.xiaomi.receipts import receipts

__all__ = ["XiaomiAccount", "XiaomiDialect", "receipts"]
