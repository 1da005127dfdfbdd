"""Huawei Push Kit: v1 for Android (EMUI, HarmonyOS to 4), v3 for HarmonyOS 5 and later."""

from push.app.huawei.account import HARMONY, HuaweiAccount, HuaweiCallback, ServiceKey
from push.app.huawei.dialect import HuaweiDialect
from push.app.huawei.receipts import receipts

__all__ = ["HARMONY", "HuaweiAccount", "HuaweiCallback", "HuaweiDialect", "ServiceKey", "receipts"]
