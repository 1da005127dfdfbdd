"""A channel over HTTP, with signed callbacks: for aggregators, and to show how a channel is added."""

from push.sms.sample_http.account import HttpAccount, HttpLimits
from push.sms.sample_http.sender import HttpSender
from push.sms.sample_http.signing import NotSigned

__all__ = ["HttpAccount", "HttpLimits", "HttpSender", "NotSigned"]
