"""The log: one line an event, for people or for a collector, and never a whole phone number.

Masking is a processor that every line passes, those of other libraries too (security.md 17). It looks for eleven
digits of a mainland mobile number wherever they stand, inside longer numbers as well: so instants are logged as ISO
text, not as microseconds.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import Processor

DEPTH_MAX: Final = 8
"""How deep values are walked; what lies deeper is masked as one text."""

_PHONE = re.compile(r"([1１][3-9３-９]\d)[ -]?\d{4}[ -]?(\d{4})")


def masked(text: str) -> str:
    """``text`` with the middle four digits of every mobile number hidden: 138****1234."""
    # Again until nothing is found: in a long run of digits the end of one number can begin the next.
    while (hidden := _PHONE.sub(r"\1****\2", text)) != text:
        text = hidden
    return text


def mask_phones(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: masks every value, nested ones and keys included."""
    return {masked(name): _masked_value(value, 0) for name, value in event.items() if name not in _META} | {
        name: event[name] for name in _META if name in event
    }


_META: Final = ("_record", "_from_structlog")
"""What structlog's formatter keeps for itself and removes before the line is written."""


def _masked_value(value: object, depth: int) -> object:
    match value:
        case None | bool():
            return value
        case str():
            return masked(value)
        case int() | float():
            text = masked(str(value))
            return value if text == str(value) else text
        case Mapping() if depth < DEPTH_MAX:
            return {masked(str(name)): _masked_value(item, depth + 1) for name, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < DEPTH_MAX:
            return [_masked_value(item, depth + 1) for item in value]
        case _:
            return masked(str(value))


def configure_logs(
    *, level: str, form: Literal["console", "json"], stream: TextIO, colors: bool = False
) -> None:
    """Sends every logger of the process to ``stream``; called once, when the process starts."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.format_exc_info,
        mask_phones,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(form, colors=colors),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    Lines.way = None if colors else (handler, form)


def _renderer(form: Literal["console", "json"], *, colors: bool) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=20
    )


class Lines:
    """Lines of one event that comes with every request, written as the log writes any, at a tenth of its cost.

    Only what is the same afterwards takes the short way: plain values, no context, nothing that looks like a phone
    number anywhere in the finished line (a number inside a value stands in the line as it stands in the value), nobody
    else listening. Everything else goes through structlog, mask and all.
    """

    way: tuple[logging.StreamHandler[TextIO], str] | None = None
    """Where and how the process writes its log, set by ``configure_logs``; None: the long way only."""

    def __init__(self, name: str, event: str) -> None:
        self._name = name
        self._event = event
        self._logger = logging.getLogger(name)
        self._long = structlog.get_logger(name)

    def write(self, **values: str | float) -> None:
        """One line at level info."""
        if self.way is None or not self._written(*self.way, values):
            self._long.info(self._event, **values)

    def _written(
        self, handler: logging.StreamHandler[TextIO], form: str, values: dict[str, str | float]
    ) -> bool:
        if not self._logger.isEnabledFor(logging.INFO):
            return True
        if logging.root.handlers != [handler] or structlog.contextvars.get_contextvars():
            return False
        at = datetime.now().isoformat()  # noqa: DTZ005 - the log tells local time, as structlog's stamp does
        line = self._as_json(at, values) if form == "json" else self._as_text(at, values)
        if _PHONE.search(line):
            return False
        handler.acquire()
        with suppress(OSError, ValueError):  # a full disk, or a log closed meanwhile, stops no request
            handler.stream.write(line + "\n")
            handler.stream.flush()
        handler.release()
        return True

    def _as_json(self, at: str, values: dict[str, str | float]) -> str:
        told = {**values, "event": self._event, "level": "info", "logger": self._name, "timestamp": at}
        return json.dumps(told, ensure_ascii=False)

    def _as_text(self, at: str, values: dict[str, str | float]) -> str:
        told = " ".join(f"{name}={_plain(values[name])}" for name in sorted(values))
        return f"{at} [info     ] {self._event:20} [{self._name}] {told}"


_ODD: Final = re.compile(r"[ \t=\r\n\"']")


def _plain(value: str | float) -> str:
    """A value as structlog's console shows it: texts with blanks or quotes in quotes."""
    return repr(value) if not isinstance(value, str) or _ODD.search(value) else value
