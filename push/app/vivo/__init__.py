"""vivo push, for iQOO too."""

from push.app.vivo.account import VivoAccount
from push.app.vivo.dialect import VivoDialect
from push.app.vivo.receipts import receipts

__all__ = ["VivoAccount", "VivoDialect", "receipts"]
