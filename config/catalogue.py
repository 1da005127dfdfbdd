"""All settings as a list, read off the structs: for loading, explaining, the sample and the tests."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from config import checks
from config.section import Key, Section
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as it is declared: `kind` is its annotated type, `default` its value when nobody sets it."""

    section: str
    name: str
    kind: Any
    key: Key
    default: Any

    @property
    def path(self) -> str:
        """The dotted name, as in `server.port`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"SONGDA__{self.section.upper()}__{self.name.upper()}"

    @property
    def is_list(self) -> bool:
        """Whether it holds several values, which the environment separates with commas."""
        return isinstance(self.default, tuple)

    @property
    def expectation(self) -> str:
        """What values are taken, in Chinese."""
        return _expectation(inspect.type_info(self.kind))


def spaced(word: str, text: str) -> str:
    """Chinese before Latin letters or digits is set off by a space."""
    return f"{word} {text}" if text[0].isascii() else word + text


def _range(low: float | None, high: float | None) -> str:
    return f"{low} 至 {high} 的" if low is not None and high is not None else ""


def _expectation(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType(ge=low, le=high):
            return f"{_range(low, high)}整数"
        case inspect.FloatType(gt=above, ge=low, le=high):
            return f"{_range(low, high)}数" if above is None else f"大于 {above}、不超过 {high} 的数"
        case inspect.BoolType():
            return "true | false"
        case inspect.LiteralType(values=values):
            return " | ".join(map(str, values))
        case inspect.VarTupleType(item_type=item):
            return spaced("列表，每项为", _expectation(item))
        case inspect.StrType(min_length=least):
            return "不为空的文字" if least else "文字"
        case _:
            raise TypeError(f"no words for settings of type {kind!r}; add them in config/catalogue.py")


def section_types() -> Mapping[str, type[Section]]:
    """The sections by name, in the order of the sample."""
    return get_type_hints(Settings)


def _section_settings(section: str, kind: type[Section]) -> list[Setting]:
    hints = get_type_hints(kind, include_extras=True)
    defaults = kind()
    return [
        Setting(section, name, hints[name], _key_of(hints[name]), getattr(defaults, name))
        for name in kind.__struct_fields__
    ]


def _key_of(kind: Any) -> Key:  # noqa: ANN401 - an annotated type has no type of its own
    return next(told for told in kind.__metadata__ if isinstance(told, Key))


@cache
def catalogue() -> Mapping[str, Setting]:
    """Every setting by its dotted name, in the order of declaration."""
    found = [one for section, kind in section_types().items() for one in _section_settings(section, kind)]
    return {one.path: one for one in found}


def nearest(path: str) -> str:
    """The valid dotted name closest to `path`, or an empty text when none is close.

    A bare or misplaced key (`port`, `store.port`) is found by its last word before spelling is tried.
    """
    paths = list(catalogue())
    last = path.rpartition(".")[2]
    same = [known for known in paths if known.rpartition(".")[2] == last]
    return (same or difflib.get_close_matches(path, paths, n=1, cutoff=0.7) or [""])[0]


def toml_value(value: object) -> str:
    """A value as TOML writes it: texts, numbers and lists of texts look alike in JSON; anything else is shown as text."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False, default=str)


def convert(setting: Setting, value: object, *, lenient: bool) -> Any:  # noqa: ANN401 - as its type says
    """`value` in the type of `setting`. `lenient` takes numbers written as text. Raises ValueError with a reason."""
    try:
        held = msgspec.convert(value, setting.kind, strict=not lenient)
    except msgspec.ValidationError as fault:
        raise ValueError(f"{spaced('应为', setting.expectation)}，现为 {toml_value(value)}") from fault
    reason = next((told for text in _texts(held) for told in _reasons(setting, text)), None)
    if reason:
        raise ValueError(reason)
    return held


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, tuple) else (value,)
    return tuple(item for item in items if isinstance(item, str) and item)


def _reasons(setting: Setting, text: str) -> list[str]:
    tried = [check(text) for check in (checks.placeholder, setting.key.check) if check]
    return [reason for reason in tried if reason]
