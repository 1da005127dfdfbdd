"""Words about settings: what one key means, and which keys there are."""

from __future__ import annotations

from collections.abc import Iterator

from config.catalogue import Setting, toml_value


def facts(setting: Setting) -> Iterator[tuple[str, str]]:
    """What to know about one key, as label and text."""
    yield "含义", setting.key.zh
    yield "", setting.key.en
    if setting.key.unit:
        yield "单位", setting.key.unit
    yield "取值", setting.expectation
    yield "默认", toml_value(setting.default)
    yield "变量", setting.variable


def explain(setting: Setting, value: object, origin: str) -> str:
    """The page of one key, with its value now and where that was set."""
    lines = [setting.path, *(f"  {label or '　　'}  {text}" for label, text in facts(setting))]
    return "\n".join([*lines, f"  当前  {toml_value(value)}（{origin or '默认'}）"])
