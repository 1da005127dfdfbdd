"""The workshop agrees with itself: lock and declaration, Makefile and help, system packages and the tests that ask."""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator

import pytest

from tests.conftest import packages
from tests.house.tree import ROOT, modules, texts, tree_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FLOORS = {"aiohttp": "3.14.3", "aiosmtpd": "1.4.6", "pyjwt": "2.13"}
"""Below these lie known holes (request smuggling and heap read; SMTP smuggling; token confusion): a lock never falls under them."""


def _locked(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def _declared(requirements: list[str]) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)>=([\d.]+)", "\n".join(requirements), re.MULTILINE))


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@pytest.mark.parametrize("lock", ["base.txt", "dev.txt"])
def test_the_lock_holds_what_is_declared(lock: str) -> None:
    """Every declared dependency has a floor and is locked at or above it; `make lock` mends this."""
    extras = PROJECT["project"]["optional-dependencies"]
    told = [
        *PROJECT["project"]["dependencies"],
        *extras["build"],
        *(extras["dev"] if lock == "dev.txt" else []),
    ]
    declared, locked = _declared(told), _locked(lock)
    assert len(declared) == len(told)
    assert [name for name, floor in declared.items() if _release(locked[name]) < _release(floor)] == []


def test_tests_run_on_what_is_shipped() -> None:
    """The lock for development holds the very versions of the lock for operation."""
    base, dev = _locked("base.txt"), _locked("dev.txt")
    assert {name: dev.get(name) for name in base} == base


def test_known_holes_stay_closed() -> None:
    """The floors that close known holes are declared."""
    declared = _declared(PROJECT["project"]["dependencies"])
    assert [name for name, floor in FLOORS.items() if _release(declared[name]) < _release(floor)] == []


def test_every_dependency_has_its_reason() -> None:
    """docs/dependencies.md names each direct dependency."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    extras = PROJECT["project"]["optional-dependencies"]
    told = _declared([*PROJECT["project"]["dependencies"], *extras["build"], *extras["dev"]])
    assert [name for name in told if f"| {name} |" not in text] == []


def test_every_target_is_explained() -> None:
    """Each target of the Makefile stands in `make help`."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    assert phony == re.findall(r"^([a-z-]+):[^#\n]*## .", makefile, re.MULTILINE)


def test_data_files_are_shipped() -> None:
    """Every file of a room that is no Python file has an ending the distribution packs."""
    packed = {pattern.lstrip("*") for pattern in PROJECT["tool"]["setuptools"]["package-data"]["*"]}
    rooms = {path.parts[len(ROOT.parts)] for path in modules()}
    data = [path for path in texts() if path.parts[len(ROOT.parts)] in rooms and path.suffix != ".py"]
    assert [path for path in data if path.suffix not in packed] == []


def _needed() -> Iterator[str]:
    for path in modules("tests"):
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(func=ast.Attribute(attr="needs_program"), args=[ast.Constant(value=str(name))]):
                    yield name


def test_system_packages_are_listed_and_used() -> None:
    """The list for the gate holds exactly the programs that tests ask for."""
    assert set(packages()) == set(_needed())


BARE = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest")
MARKED = """
import pytest

@pytest.mark.needs_program("no-such-program")
def test_with_it(): pass

def test_without_it(): pass
"""


@pytest.fixture
def marked_tests(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with our conftest and two tests, one of which needs a program nobody has."""
    shutil.copy(ROOT / "tests" / "conftest.py", pytester.path)
    shutil.copy(ROOT / "tests" / "system-packages.txt", pytester.path)
    pytester.makeini(
        "[pytest]\nmarkers = needs_program(name): x\nasyncio_default_fixture_loop_scope = function"
    )
    pytester.makepyfile(test_marked=MARKED)
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "workers"])
def test_a_missing_program_leaves_its_tests_out_by_name(
    marked_tests: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """Without the program all other tests run, and the summary names the test and the package to install."""
    monkeypatch.delenv("CI", raising=False)
    result = marked_tests.runpytest_inprocess(*BARE, *workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*left out*", "*test_with_it: needs no-such-program: apt-get install no-such-program"]
    )
    assert result.parseoutcomes()["passed"] == 1


def test_a_missing_program_fails_the_gate(
    marked_tests: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI=true nothing is left out: the test that cannot run fails and says what is missing."""
    monkeypatch.setenv("CI", "true")
    result = marked_tests.runpytest_inprocess(*BARE)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*needs no-such-program: apt-get install no-such-program*"])
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 1
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 1
