"""Tables of what single values may say."""

from __future__ import annotations

import pytest

from config import checks


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("08:30-12:00,14:30-18:00", ((510, 720), (870, 1080))),
        ("00:00-23:59", ((0, 1439),)),
        (" 09:00 - 17:00 ", ((540, 1020),)),
        ("08:30-12:00,12:00-18:00", ((510, 720), (720, 1080))),
        ("08:30-12:00,11:00-18:00", None),
        ("14:00-18:00,08:00-12:00", None),
        ("12:00-08:00", None),
        ("08:00-08:00", None),
        ("24:00-25:00", None),
        ("8:00-12:00", None),
        ("08:00", None),
        ("08:00-09:00-10:00", None),
        (",", None),
        ("", None),
    ],
)
def test_working_hours(text: str, spans: tuple[tuple[int, int], ...] | None) -> None:
    """Spans in order are read as minutes of the day; whatever makes no sense is None."""
    assert checks.hour_spans(text) == spans


@pytest.mark.parametrize("text", ["https://a.example", "http://127.0.0.1:8080", "https://[::1]:8443"])
def test_origins_taken(text: str) -> None:
    """Scheme, host and port make an origin."""
    assert checks.origin(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "a.example",
        "https://a.example/",
        "ftp://a.example",
        "https://u@a.example",
        "https://a:99999",
        "null",
    ],
)
def test_origins_refused(text: str) -> None:
    """A path, a user, a wildcard or another scheme is no origin."""
    assert checks.origin(text)


@pytest.mark.parametrize(
    "text", ["changeme", "Change-Me", "<address>", "${KEY}", "xxxx", "your-domain", "请填写地址"]
)
def test_placeholders_refused(text: str) -> None:
    """A value nobody has filled in is found."""
    assert checks.placeholder(text)


@pytest.mark.parametrize("text", ["平凉市", "https://songda.example", "./songda-data", "info", "【送达】"])
def test_real_values_are_no_placeholders(text: str) -> None:
    """A real value is let through."""
    assert checks.placeholder(text) is None


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("您有1份{urgency}{what}{title}待{act}，{how}{ask}", True),
        ("请查收公文", True),
        ("{{不是占位}}", True),
        ("您有{count}份", False),
        ("{what!r}", False),
        ("{what:>9}", False),
        ("{", False),
        ("{}", False),
        ("【平凉】{what}", False),
    ],
)
def test_a_message_has_known_places_only(text: str, *, good: bool) -> None:
    """A text to fill in names known places, formats nothing, and bears no signature of its own."""
    assert (checks.template(text) is None) == good
