"""The robots of one house. A Push's ``token`` is a robot's name here, so that no table of devices holds a key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from push.app.calls import check_filled, check_url

Kind = Literal["wecom", "dingtalk", "feishu"]

HOSTS: Final[Mapping[Kind, str]] = {
    "wecom": "https://qyapi.weixin.qq.com",
    "dingtalk": "https://oapi.dingtalk.com",
    "feishu": "https://open.feishu.cn",
}


class Robot(msgspec.Struct, frozen=True, kw_only=True):
    """One robot of one group."""

    key: str
    """The last part of its webhook address."""
    secret: str = ""
    """Of the signature (DingTalk, Feishu); empty where the group's robot checks words or addresses instead."""

    def __post_init__(self) -> None:
        if not (self.key and self.key.isascii() and self.key.replace("-", "").replace("_", "").isalnum()):
            raise ValueError("key: not the letters, digits, - and _ of a webhook address")

    def __repr__(self) -> str:
        """Without key and secret: the key alone lets anybody write to the group."""
        return "Robot()"


class RobotAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong."""

    kind: Kind
    robots: Mapping[str, Robot]
    home: str
    """The address of this house, put before the path that a tap opens."""
    url: str = ""
    """Empty: the vendor's usual one."""

    def __post_init__(self) -> None:
        check_filled(self, "robots")
        check_url("home", self.home)
        if self.url:
            check_url("url", self.url)
        if self.kind == "wecom" and any(robot.secret for robot in self.robots.values()):
            raise ValueError("robots: WeCom signs nothing, a secret would not be used")
