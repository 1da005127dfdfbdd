"""The annotated sample, written from the settings themselves, so that it cannot tell another story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.catalogue import Setting, catalogue, section_types, toml_value

HEAD = """\
# 送达（Songda）配置 · configuration
#
# 以“#键 = 值”写出的是默认值，去掉行首的 # 再改。环境变量优先于本文件：SONGDA__段名__键名。
# Lines `#key = value` show the defaults; remove the # to change one. The environment goes before this file.
#
# songda config check      检查本文件，一次列出全部问题
# songda config explain    各项含义
#
# 密钥不写在这里：首次启动时在数据目录下生成。Keys are not kept here.
"""


def sample(values: Mapping[str, object] | None = None) -> str:
    """The whole file; the settings named in `values` are set, all others are shown as comments."""
    return "\n".join([HEAD, *(_section(name, values or {}) for name in section_types())])


def _section(section: str, values: Mapping[str, object]) -> str:
    heading = (section_types()[section].__doc__ or "").strip().splitlines()[0]
    keys = [one for one in catalogue().values() if one.section == section]
    return (
        "\n".join([f"# {heading}", f"[{section}]", *(line for one in keys for line in _lines(one, values))])
        + "\n"
    )


def _lines(setting: Setting, values: Mapping[str, object]) -> Iterator[str]:
    unit = f"；单位：{setting.key.unit}" if setting.key.unit else ""
    yield f"# {setting.key.zh}{unit}（{setting.expectation}）"
    yield f"# {setting.key.en}"
    mark = "" if setting.path in values else "#"
    yield f"{mark}{setting.name} = {toml_value(values.get(setting.path, setting.default))}"
