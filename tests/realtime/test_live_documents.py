"""The documents of the live protocol say what the code does, field by field and code by code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]

from realtime.frames import ClientMessage, ServerMessage
from realtime.items import Item, UnitStatus
from realtime.limits import LiveLimits
from realtime.rules import ALLOWED, CLOSE_CODES, FAULTS
from realtime.server import LIVE_PATH

DOCS = Path(__file__).parents[2] / "docs"
SAID = ClientMessage.__args__
TOLD = ServerMessage.__args__
PROSE = {"description", "default", "title"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    read: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def page() -> str:
    """The prose."""
    return (DOCS / "live.md").read_text(encoding="utf-8")


def bare(schema: Any) -> Any:  # noqa: ANN401 - any piece of a JSON schema
    """A schema without prose; null is how the code says that a field may be left out, and a pair has equal parts."""
    if isinstance(schema, list):
        return [bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" in schema:
        return bare(next(one for one in schema["anyOf"] if one != {"type": "null"}))
    kept = {key: bare(value) for key, value in schema.items() if key not in PROSE}
    if "prefixItems" in kept:
        kept["items"] = kept.pop("prefixItems")[0]
    if "enum" in kept:
        kept["enum"] = sorted(kept["enum"])
    return kept


@pytest.mark.parametrize("struct", [*SAID, *TOLD, Item, UnitStatus], ids=lambda struct: struct.__name__)
def test_every_field_of_every_message_is_described(struct: type, document: dict[str, Any]) -> None:
    """Names, types, limits, and what may be left out: the same in code and document."""
    _, schemas = msgspec.json.schema_components([struct], ref_template="#/components/schemas/{name}")

    assert bare(schemas[struct.__name__]) == bare(document["components"]["schemas"][struct.__name__])


def test_the_document_holds_the_messages_of_the_code_and_no_others(document: dict[str, Any]) -> None:
    """Each message under its name, in the operation of the one who says it."""
    messages = document["components"]["messages"]
    channel = document["channels"]["live"]

    def named(operation: str) -> set[str]:
        keys = [one["$ref"].rsplit("/", 1)[1] for one in document["operations"][operation]["messages"]]
        return {channel["messages"][key]["$ref"].rsplit("/", 1)[1] for key in keys}

    assert {struct.__name__ for struct in SAID} == named("hear")
    assert {struct.__name__ for struct in TOLD} == named("tell")
    assert named("hear") | named("tell") == set(messages)
    assert {struct.__name__: struct.__struct_config__.tag for struct in (*SAID, *TOLD)} == {
        name: one["name"] for name, one in messages.items()
    }
    assert LIVE_PATH == channel["address"]


@pytest.mark.parametrize("struct", [*SAID, *TOLD], ids=lambda struct: struct.__name__)
def test_the_examples_are_messages(struct: type, document: dict[str, Any]) -> None:
    """Each example in the document is taken by the code."""
    for example in document["components"]["messages"][struct.__name__]["examples"]:
        assert isinstance(msgspec.convert(example["payload"], struct), struct)


def test_the_page_lists_every_close_code_and_every_fault(page: str) -> None:
    """With the code that a fault closes with; 1002 is the websocket layer's own."""
    told = {int(code) for code in re.findall(r"^\| (\d{4}) \|", page, re.MULTILINE)}
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d{4}|stays open)", page, re.MULTILINE)
    faults = {name: code for names, code in rows for name in re.findall(r"`(\w+)`", names)}

    assert {*CLOSE_CODES, 1002} == told
    assert {code: str(fault.close or "stays open") for code, fault in FAULTS.items()} == faults


def test_the_page_says_who_may_say_what_when(page: str) -> None:
    """The table of states agrees with the machine's."""
    rows = dict(re.findall(r"^\| ([a-z_, ]+) \| ((?:hello|ack|ping)[a-z, ]*) \|$", page, re.MULTILINE))
    told = {state: set(words.split(", ")) for states, words in rows.items() for state in states.split(", ")}
    names = {state: set[str]() for states in ALLOWED.values() for state in states}
    for struct, states in ALLOWED.items():
        for state in states:
            names[state].add(str(struct.__struct_config__.tag))

    assert names == told


def test_the_page_gives_the_limits_of_the_code(page: str) -> None:
    """The figures in the table are the defaults."""
    limits = LiveLimits()
    rules = limits.session
    told = dict(re.findall(r"^\| ([a-z][^|]+?) \| (\d[^|]+?) \|$", page, re.MULTILINE))

    assert f"{rules.hello_timeout_s:g} s each" == told["hello after the upgrade; answer about its ticket"]
    assert f"{rules.heartbeat_s:g} s; {rules.silence_max_s:g} s" == told["heartbeat; silence that closes"]
    assert told["sessions of one person"].startswith(f"{limits.devices_max},")
    assert told["open sockets; of one address; not yet admitted"] == (
        f"{limits.sessions_max:,}; {limits.sessions_per_address_max:,}; {limits.greeting_max:,}"
    )
    words = told["pings, repeated acks, unknown words, questions for counts"]
    assert words.startswith(f"{rules.idle_words_burst} at once")
