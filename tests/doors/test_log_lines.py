"""The short way of a request's log line: the same line, and never a phone number."""

from __future__ import annotations

import errno
import io
import logging
import re
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import Lines, configure_logs

PHONE = re.compile(r"1[3-9]\d{9}")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+")

FORMS = pytest.mark.parametrize("form", ["json", "console"])


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    """Loggers are as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    Lines.way = None


def both(form: str, level: str = "info", **values: str | float) -> tuple[str, str]:
    """The line as the short way writes it and as structlog does, without their times."""
    stream = io.StringIO()
    configure_logs(level=level, form="json" if form == "json" else "console", stream=stream)
    Lines("songda.test", "http").write(**values)
    short = stream.getvalue()
    structlog.get_logger("songda.test").info("http", **values)
    return STAMP.sub("", short), STAMP.sub("", stream.getvalue()[len(short) :])


@FORMS
def test_it_is_the_same_line(form: str) -> None:
    """A collector that reads one reads the other."""
    short, long = both(
        form, path="/a b/王", method="GET", ms=1e-7, status=200, odd="it's", empty="", big=10**12
    )
    assert short == long != ""


@FORMS
def test_a_phone_number_goes_the_long_way(form: str) -> None:
    """A number in a path is masked as everywhere."""
    short, long = both(form, path="/people/13812345678", status=200)
    assert "138****5678" in short
    assert short == long


@given(
    st.sampled_from(["json", "console"]),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
)
def test_no_number_ever_stays(form: str, text: str, phone: str) -> None:
    """Whatever stands around it."""
    short, _ = both(form, path=text + phone + text, status=200)
    assert not PHONE.search(short)


@FORMS
def test_below_the_level_nothing_is_written(form: str) -> None:
    """The level holds here too."""
    assert both(form, level="warning", status=200) == ("", "")


def test_what_a_context_adds_is_not_lost() -> None:
    """Values bound to the context stand in the line."""
    with structlog.contextvars.bound_contextvars(who="a"):
        short, long = both("json", status=200)
    assert '"who": "a"' in short
    assert short == long


class FullDisk(io.StringIO):
    """A log on a disk without room."""

    def flush(self) -> None:
        """There is no room."""
        raise OSError(errno.ENOSPC, "no space left")


def test_a_full_disk_stops_no_request() -> None:
    """The line is lost, the request goes on, and the log can be written to again."""
    configure_logs(level="info", form="json", stream=FullDisk())
    Lines("songda.test", "http").write(status=200)
    assert both("json", status=200)[0]
