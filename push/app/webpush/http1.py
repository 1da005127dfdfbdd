"""HTTP/1.1 as far as Web Push needs it: a POST with a short body, the head of an answer. Pure.

Written out, because a general client costs as much as the encryption: its share of the bare limit was 0.41, this
one's is told in docs/performance.md. Only the head of an answer means anything, so that no body is ever decoded: one of
known length is skipped, with any other the connection ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

HEAD_MAX: Final = 16 * 1024
"""Bytes of an answer's head."""
_STATUS: Final = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?", re.ASCII)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


class BadAnswer(ValueError):
    """No answer of HTTP/1."""


class Head(NamedTuple):
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    length: int | None
    """Bytes of the body that follow; None where only the end of the connection tells."""
    keeps: bool
    """Whether the connection serves again after the body."""


def request_target(url: str) -> bytes:
    """The first lines of a POST to a checked endpoint: made once per subscription."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode("ascii")


def request(target: bytes, headers: Mapping[str, str], body: bytes) -> bytes:
    """The whole request. Header values are ours: printable ASCII."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return b"".join((target, lines.encode("ascii"), b"Content-Length: %d\r\n\r\n" % len(body), body))


def read_head(raw: bytes) -> Head:
    """The head of an answer, without the empty line at its end. Raises BadAnswer."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise BadAnswer("status line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        # A folded line, or a space before the colon, are what smuggling is made of.
        if not colon or not _NAME.fullmatch(name):
            raise BadAnswer("header")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    keeps = status[1] == "1" and "close" not in headers.get("connection", "").lower()
    return Head(int(status[2]), headers, _length(int(status[2]), headers), keeps)


def _length(status: int, headers: Mapping[str, str]) -> int | None:
    if status < 200 or status in {204, 304}:
        return 0
    told = headers.get("content-length", "")
    known = told.isascii() and told.isdecimal() and len(told) < 10 and "transfer-encoding" not in headers
    return int(told) if known else None
