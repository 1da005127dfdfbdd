"""Honor push."""

from push.app.honor.account import HonorAccount
from push.app.honor.dialect import HonorDialect
from push.app.honor.receipts import receipts

__all__ = ["HonorAccount", "HonorDialect", "receipts"]
