"""The log never holds a whole phone number."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import configure_logs, mask_phones, masked

PHONE = re.compile(r"1[3-9]\d{9}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86138****5678"),
        ("电话：13812345678，19912345678", "电话：138****5678，199****5678"),
        ("138 1234 5678", "138****5678"),
        ("138-1234-5678", "138****5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("12345678901", "12345678901"),
        ("1539124419330462000", "153****4193****2000"),
        ("0931-8812345", "0931-8812345"),
    ],
)
def test_numbers_are_masked(text: str, shown: str) -> None:
    """The middle four digits of a mobile number are hidden, nothing else is touched."""
    assert masked(text) == shown


phones = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
values = st.recursive(
    phones
    | phones.map(int)
    | phones.map(lambda text: text.encode())
    | st.text(max_size=5)
    | st.integers()
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.frozensets(phones, max_size=2)
        | st.dictionaries(phones | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5) | phones, values, max_size=4))
def test_no_value_however_nested_keeps_a_number(event: dict[str, object]) -> None:
    """Keys, numbers, bytes and nested values are all masked."""
    assert not PHONE.search(repr(mask_phones(None, "info", event)))


def test_values_without_numbers_stay_as_they_are() -> None:
    """Masking changes no type where it hides nothing."""
    event = {"count": 3, "ms": 1.5, "ok": True, "none": None, "list": [1, "a"]}
    assert mask_phones(None, "info", dict(event)) == event


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream as the log's end; loggers are put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield io.StringIO()
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["json", "console"])
def test_whole_log_of_ours_and_of_libraries_is_masked(stream: io.StringIO, form: str) -> None:
    """Events, context, tracebacks and other libraries' lines all pass the mask."""
    configure_logs(level="info", form="json" if form == "json" else "console", stream=stream)
    log = structlog.get_logger("songda.test")
    log.info("sms", to="13812345678", nested={"13912345678": ["17012345678"]}, path=Path("/x/13612345678"))
    try:
        int("no such number 15812345678")
    except ValueError:
        log.exception("bug")
        logging.getLogger("aiohttp.server").exception("request of %s", "18812345678")
    text = stream.getvalue()
    assert not PHONE.search(text)
    for shown in ("138****5678", "139****5678", "170****5678", "136****5678", "158****5678", "188****5678"):
        assert shown in text


def test_json_log_is_one_object_a_line(stream: io.StringIO) -> None:
    """A collector reads each line alone, Chinese included, whatever a value holds."""
    configure_logs(level="info", form="json", stream=stream)
    structlog.get_logger("songda.test").info("http", path="/a\nb", who="王某", odd=object)
    logging.getLogger("other").warning("a line")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["path"] == "/a\nb"
    assert "王某" in stream.getvalue()
    assert (first["level"], second["level"]) == ("info", "warning")
    assert re.match(r"\d{4}-\d\d-\d\dT", first["timestamp"])


def test_level_holds_back_what_is_below(stream: io.StringIO) -> None:
    """Below the level nothing is written."""
    configure_logs(level="warning", form="json", stream=stream)
    structlog.get_logger("songda.test").info("quiet")
    assert stream.getvalue() == ""
