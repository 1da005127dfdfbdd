"""The log: one line an event, for people or for a collector, and never a whole phone number.

Masking is a processor that every line passes, those of other libraries too (security.md 17). It looks for eleven
digits of a mainland mobile number wherever they stand, inside longer numbers as well: so instants are logged as ISO
text, not as microseconds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
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


def _renderer(form: Literal["console", "json"], *, colors: bool) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=20
    )
