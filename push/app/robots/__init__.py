"""Webhook robots in groups of WeCom, DingTalk and Feishu: 30 lines each, no library.

apprise knows all three, but over blocking ``requests``; it takes every HTTP 200 as sent,
where these three refuse with 200 and a code in the body; and it signs nothing for Feishu.
"""

from push.app.robots.account import Robot, RobotAccount
from push.app.robots.dialect import RobotDialect

__all__ = ["Robot", "RobotAccount", "RobotDialect"]
