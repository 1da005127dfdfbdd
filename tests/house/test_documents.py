"""What the documents tell a reader to type can be typed: targets exist, verbs and options exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_help import VERBS
from tests.house.tree import ROOT, name_of, texts

BLOCK = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"\w+=\S*")
PAGES = [path for path in texts() if path.suffix == ".md"]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in the shell blocks of a page; pipelines and lists give several."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in _parts(line.strip().removeprefix("$ ")):
                words = [*part]
                while words and ASSIGNMENT.fullmatch(words[0]):
                    del words[0]
                if words:
                    yield words


def _parts(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def fault_of(words: list[str]) -> str | None:
    """Why a command of ours cannot be typed; None for one that can, and for programs that are not ours."""
    program = Path(words[0]).name
    if program == "make":
        named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        return next((f"no target {word}" for word in named if word not in targets()), None)
    return _songda_fault(words[1:]) if program == "songda" else None


def _songda_fault(words: list[str]) -> str | None:
    path: tuple[str, ...] = ()
    for word in words:
        if (*path, word) in VERBS:
            path = (*path, word)
    steps = [VERBS[path[:length]] for length in range(len(path) + 1)]
    known = {
        option for step in steps for one in step.params for option in (*one.opts, *one.secondary_opts)
    } | {"--help"}
    last = steps[-1]
    acts_alone = getattr(last, "invoke_without_command", False) and path
    if hasattr(last, "commands") and not acts_alone and not {"--help", "--version"} & set(words):
        return f"{' '.join(path) or 'songda'} needs a verb"
    options = [word.partition("=")[0] for word in words if word.startswith("-") and word != "-"]
    return next((f"no option {option}" for option in options if option not in known), None)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_the_documents_can_be_typed(page: Path) -> None:
    """Each `make` and `songda` command of a page names what exists."""
    told = [(words, fault_of(words)) for words in commands(page.read_text(encoding="utf-8"))]
    assert [(" ".join(words), fault) for words, fault in told if fault] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_first_screen_has_the_two_commands(page: str) -> None:
    """A newcomer finds `make demo` and `make test` within the first screen, in either language."""
    first = "\n".join((ROOT / page).read_text(encoding="utf-8").splitlines()[:40])
    assert [
        words
        for words in (["make", "demo"], ["make", "test"])
        if words not in list(commands(first + "\n```"))
    ] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("make demo", None),
        ("make demonstrate", "no target demonstrate"),
        (".venv/bin/songda config explain server.port", None),
        ("songda --config x.toml config check", None),
        ("songda config check --loud", "no option --loud"),
        ("songda config", "config needs a verb"),
        ("songda rates --by county", None),
        ("cd songda && make nothing | cat", "no target nothing"),
        ("SONGDA__LOG__LEVEL=debug songda version", None),
        ("curl -s localhost", None),
    ],
)
def test_the_rule_reads_commands(line: str, fault: str | None) -> None:
    """Assignments, lists, pipelines and paths are seen through; other programs pass."""
    faults = [fault_of(words) for words in commands(f"```sh\n{line}\n```")]
    assert next((told for told in faults if told), None) == fault
