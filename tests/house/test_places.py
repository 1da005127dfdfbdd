"""The repository belongs to no machine: it names no registry's hosts and no folder that exists in one place only."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT, name_of, texts

# Written in pieces, so that this file does not find itself.
HOSTS = (
    "py" + r"pi\.(python\.)?org",
    "pythonhosted" + r"\.org",
    "registry" + r"\.(npmjs|yarnpkg|npmmirror)",
    "npm" + r"js\.(org|com)",
    "crates" + r"\.io",
    "proxy" + r"\.golang",
    "repo1?" + r"\.maven",
    "deb" + r"\.debian|security\.debian|snapshot\.debian",
    "mirrors?" + r"\.(aliyun|tuna|ustc|163|tencent)",
)
PATHS = (
    "/ro" + "ot/",
    "/wo" + "rk/",
    "/ho" + r"me/\w",
    "/Us" + r"ers/\w",
    "/opt/wh" + "eels",
    r"\.py" + "env/",
)
ELSEWHERE = re.compile("|".join([*HOSTS, *(rf"(?<![\w.]){path}" for path in PATHS)]))
LOCKS = ("requirements/base.txt", "requirements/dev.txt")


def test_no_host_and_no_machine_is_named() -> None:
    """Nothing points at a package registry or at a folder of somebody's machine."""
    found = [
        f"{name_of(path)}:{number} {told[0]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (told := ELSEWHERE.search(line))
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_hashes_and_no_addresses(lock: str) -> None:
    """Each locked package is exact and hashed, and no line says where to get it."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", "")
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert entries
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", entry)] == []
    assert not re.search(r"https?://|file:|--(extra-)?index|--find-links| @ ", text)
