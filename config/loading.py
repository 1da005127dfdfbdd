"""Reading the settings, once: defaults < TOML file < environment < options of the command line.

Every source is checked whole before anything is refused, so that one `songda config check` shows all there is to mend.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from config.catalogue import Setting, catalogue, convert, nearest, section_types
from config.faults import ConfigFault, Fault
from config.settings import Settings
from config.toml_text import parse

PREFIX = "SONGDA__"
SECRET_WORDS = ("secret", "password", "passwd", "token", "private_key", "api_key")
FILE_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as a source gives it: `place` says where, relative file names start at `base`."""

    place: str
    path: str
    value: object
    base: Path
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for every key somebody set, where that was."""

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=dict)


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Loaded:
    """Settings from `file` (None: none), the `SONGDA__...` part of `environ` and `flags` by dotted name.

    A flag that is None was not given. Raises ConfigFault with every fault of every source.
    """
    base = file.absolute().parent if file else Path.cwd()
    return settle(
        [*_file_entries(file), *environ_entries(environ, Path.cwd()), *_flag_entries(flags or {})], base
    )


def settle(entries: list[Entry], base: Path) -> Loaded:
    """The last valid entry of each key wins; defaults fill the rest. Raises ConfigFault with all faults."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    faults: list[Fault] = []
    for entry in entries:
        try:
            values[entry.path] = _value_of(entry)
            origins[entry.path] = entry.place
        except _Wrong as wrong:
            faults.append(Fault(entry.place, entry.path, str(wrong), wrong.nearest))
    settings = _build(values, base)
    faults += _across(settings, origins)
    if faults:
        raise ConfigFault(tuple(faults))
    return Loaded(settings, origins)


class _Wrong(ValueError):
    """Why one entry cannot be taken."""

    def __init__(self, reason: str, nearest: str = "") -> None:
        super().__init__(reason)
        self.nearest = nearest


def _value_of(entry: Entry) -> object:
    setting = catalogue().get(entry.path)
    if setting is None:
        raise _unknown(entry.path)
    value = entry.value
    if entry.lenient and setting.is_list:
        value = [part.strip() for part in str(value).split(",") if part.strip()]
    try:
        held = convert(setting, value, lenient=entry.lenient)
    except ValueError as fault:
        raise _Wrong(str(fault)) from fault
    return str(entry.base / str(held)) if setting.key.path and held else held


def _unknown(path: str) -> _Wrong:
    section, _, name = path.partition(".")
    if not name and section in section_types():
        return _Wrong(f"应为配置段，写作 [{section}]，其下每行一项")
    if any(word in name.lower() for word in SECRET_WORDS):
        return _Wrong("没有这个设置项；密钥和口令不写在配置里，而在 security.keys_path 目录的文件里")
    if name and section not in section_types():
        close = difflib.get_close_matches(section, section_types(), n=1)
        return _Wrong(
            "没有这个配置段",
            f"{close[0]}.{name}" if close and f"{close[0]}.{name}" in catalogue() else nearest(path),
        )
    return _Wrong("没有这个设置项", nearest(path))


def _build(values: Mapping[str, Any], base: Path) -> Settings:
    """The structs; relative file names among the defaults start at `base`."""
    sections = {}
    for section, kind in section_types().items():
        own = {
            one.name: values.get(one.path, _default(one, base))
            for one in catalogue().values()
            if one.section == section
        }
        sections[section] = kind(**own)
    return msgspec.convert(sections, Settings, from_attributes=True)


def _default(setting: Setting, base: Path) -> object:
    return str(base / setting.default) if setting.key.path and setting.default else setting.default


def _across(settings: Settings, origins: Mapping[str, str]) -> Iterator[Fault]:
    """What no key can tell by itself."""
    server = settings.server
    if bool(server.tls_cert) != bool(server.tls_key):
        given, missing = ("tls_cert", "tls_key") if server.tls_cert else ("tls_key", "tls_cert")
        place = origins.get(f"server.{given}", "")
        yield Fault(place, f"server.{missing}", f"与 server.{given} 要同时填写或同时留空")
    smtp = settings.smtp
    for name in ("tls_cert", "tls_key"):
        if smtp.port and not getattr(smtp, name):
            yield Fault(
                origins.get("smtp.port", ""), f"smtp.{name}", "邮件入口只在 TLS 下登录，须填写证书和私钥"
            )


def _file_entries(file: Path | None) -> list[Entry]:
    if file is None:
        return []
    try:
        told = file.read_bytes()
        if len(told) > FILE_MAX_BYTES:
            raise ConfigFault((Fault(str(file), "", f"文件超过 {FILE_MAX_BYTES} 字节，不像配置文件"),))
        return toml_entries(told.decode("utf-8-sig"), str(file), file.absolute().parent)
    except OSError as fault:
        raise ConfigFault((Fault(str(file), "", f"读不了：{fault.strerror}"),)) from fault
    except UnicodeDecodeError as fault:
        raise ConfigFault((Fault(str(file), "", "不是 UTF-8 编码；请另存为 UTF-8"),)) from fault


def toml_entries(text: str, name: str, base: Path) -> list[Entry]:
    """The entries of a TOML text called `name`. Raises ConfigFault where it is no TOML."""
    try:
        tables = parse(text)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigFault((Fault(name, "", f"不是有效的 TOML：{fault}"),)) from fault
    except RecursionError:
        raise ConfigFault((Fault(name, "", "不是有效的 TOML：嵌套过深"),)) from None
    entries = []
    for path, value in _flatten(tables):
        line = _line_of(text, path)
        entries.append(Entry(f"{name} 第 {line} 行" if line else name, path, value, base))
    return entries


def _flatten(tables: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for section, table in tables.items():
        if not isinstance(table, dict):
            yield section, table
        elif not table and section not in section_types():
            yield f"{section}.", table
        else:
            yield from ((f"{section}.{name}", value) for name, value in table.items())


def _line_of(text: str, path: str) -> int:
    """The line on which a key stands, 0 when it is written in a way not worth following (inline, quoted)."""
    section, _, name = path.rpartition(".")
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            inside = header[1]
            if inside == path.rstrip(".") and not name:
                return number
        elif inside == section and re.match(rf"\s*{re.escape(name)}\s*=", line):
            return number
    return 0


def environ_entries(environ: Mapping[str, str], base: Path) -> list[Entry]:
    """The entries of the environment: `SONGDA__SECTION__KEY`; several values are separated by commas."""
    return [
        Entry(
            f"环境变量 {name}",
            name.removeprefix(PREFIX).lower().replace("__", ".", 1),
            value,
            base,
            lenient=True,
        )
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX)
    ]


def _flag_entries(flags: Mapping[str, object]) -> list[Entry]:
    return [
        Entry("命令行选项", path, value, Path.cwd(), lenient=True)
        for path, value in flags.items()
        if value is not None
    ]
