"""Sources in their order, and every fault of every source told at once with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue import catalogue
from config.faults import ConfigFault, Fault
from config.loading import Entry, environ_entries, load, settle, toml_entries


def faults_of(text: str = "", environ: dict[str, str] | None = None) -> tuple[Fault, ...]:
    """What is wrong with a file called f.toml and an environment."""
    here = Path("/")
    with pytest.raises(ConfigFault) as told:
        settle([*toml_entries(text, "f.toml", here), *environ_entries(environ or {}, here)], here)
    return told.value.faults


def test_later_sources_win(tmp_path: Path) -> None:
    """Default < file < environment < command line, key by key, and the origin of each is known."""
    file = tmp_path / "songda.toml"
    file.write_text("[server]\nport = 1\nhost = '10.0.0.1'\nbody_max_bytes = 2048\n", encoding="utf-8")
    loaded = load(file, {"SONGDA__SERVER__PORT": "2", "SONGDA__SERVER__HOST": "10.0.0.2"}, {"server.port": 3})
    server = loaded.settings.server
    assert (server.port, server.host, server.body_max_bytes, server.drain_s) == (3, "10.0.0.2", 2048, 8)
    assert loaded.origins == {
        "server.port": "命令行选项",
        "server.host": "环境变量 SONGDA__SERVER__HOST",
        "server.body_max_bytes": f"{file} 第 4 行",
    }


def test_an_option_not_given_changes_nothing(tmp_path: Path) -> None:
    """None stands for an option that was left away."""
    file = tmp_path / "songda.toml"
    file.write_text("[log]\nlevel = 'error'\n", encoding="utf-8")
    assert load(file, {}, {"log.level": None}).settings.log.level == "error"


def test_file_names_start_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative name in the file starts at the file's folder, one from the environment at the working folder."""
    office, elsewhere = tmp_path / "office", tmp_path / "elsewhere"
    office.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (office / "songda.toml").write_text("[store]\npath = 'data'\n", encoding="utf-8")
    settings = load(office / "songda.toml", {"SONGDA__SECURITY__KEYS_PATH": "keys"}).settings
    assert settings.data_folder == office / "data"
    assert settings.keys_folder == elsewhere / "keys"
    assert load(office / "songda.toml", {}, {"store.path": "/srv/songda"}).settings.data_folder == Path(
        "/srv/songda"
    )


def test_all_faults_are_told_at_once() -> None:
    """A file and an environment with many faults give one line for each, with place, key, reason and neighbour."""
    text = """
port = 80
[server]
prot = 80
port = 70000
origins = ["*"]
[strore]
path = "x"
[log]
level = "loud"
"""
    told = [
        (fault.place, fault.key, fault.nearest)
        for fault in faults_of(text, {"SONGDA__SERVER__DRAIN_S": "soon", "SONGDA__SERVER": "x"})
    ]
    assert told == [
        ("f.toml 第 2 行", "port", "server.port"),
        ("f.toml 第 4 行", "server.prot", "server.port"),
        ("f.toml 第 5 行", "server.port", ""),
        ("f.toml 第 6 行", "server.origins", ""),
        ("f.toml 第 8 行", "strore.path", "store.path"),
        ("f.toml 第 10 行", "log.level", ""),
        ("环境变量 SONGDA__SERVER", "server", ""),
        ("环境变量 SONGDA__SERVER__DRAIN_S", "server.drain_s", ""),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[server]\nport = 70000", "应为 0 至 65535 的整数，现为 70000"),
        ("[server]\nport = true", "应为 0 至 65535 的整数，现为 true"),
        ("[server]\nport = '8080'", '应为 0 至 65535 的整数，现为 "8080"'),
        ("[live]\nheartbeat_s = nan", "应为 1 至 300 的数，现为 NaN"),
        ("[audit]\nretention_days = 179", "应为 180 至 36500 的整数，现为 179"),
        ("[security]\npassword_policy = 'none'", '应为 asvs | mlps3，现为 "none"'),
        ("[dispatch]\nattachment_types = ['zip']", "应为列表，每项为"),
        ("[dispatch]\napproval_share = 0", "应为大于 0、不超过 1 的数，现为 0"),
        ("[server]\nhost = ''", '应为不为空的文字，现为 ""'),
        ("[server]\ntrusted_proxies = ['10.0.0.0/33']", "应为 IP 地址或网段"),
        ("[sms]\nsignature = '送达'", "应为【】括起的"),
        ("[server]\npublic_url = '<your address>'", "是占位文字"),
        ("[security]\nsecret_key = 'abc'", "密钥和口令不写在配置里"),
        ("[server]\ntls_cert = 'a.pem'", "与 server.tls_cert 要同时填写"),
        ("server = 3", "应为配置段"),
    ],
)
def test_a_bad_value_is_told_with_what_is_expected(text: str, reason: str) -> None:
    """The reason names what is expected and what stands there."""
    [fault] = faults_of(text)
    assert reason in fault.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"[server", "不是有效的 TOML"), (b"\xff\xfe", "UTF-8"), (b"#" * 2_000_000, "超过")],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    """Broken TOML, another encoding and a file far too long are faults with the file's name."""
    file = tmp_path / "songda.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigFault, match=reason) as told:
        load(file, {})
    assert str(file) in str(told.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A file that was named but is not there stops the start."""
    with pytest.raises(ConfigFault, match="读不了"):
        load(tmp_path / "none.toml", {})


def test_lists_come_from_the_environment_with_commas() -> None:
    """Several values are separated by commas; an empty text is an empty list."""
    environ = {"SONGDA__SERVER__ORIGINS": "https://a.example, https://b.example:8443", "OTHER": "x"}
    server = settle(environ_entries(environ, Path("/")), Path("/")).settings.server
    assert server.origins == ("https://a.example", "https://b.example:8443")
    assert (
        settle(environ_entries({"SONGDA__SERVER__ORIGINS": ""}, Path("/")), Path("/")).settings.server.origins
        == ()
    )


def test_every_setting_can_come_from_the_environment() -> None:
    """Each default, written into its variable, gives the same settings."""
    environ = {
        one.variable: ",".join(map(str, one.default)) if one.is_list else str(one.default)
        for one in catalogue().values()
    }
    loaded = settle(environ_entries(environ, Path("/")), Path("/"))
    assert loaded.settings == settle([], Path("/")).settings
    assert set(loaded.origins) == set(catalogue())


def _faults(entries: Callable[[], list[Entry]]) -> tuple[Fault, ...]:
    try:
        settle(entries(), Path("/"))
    except ConfigFault as fault:
        return fault.faults
    return ()


@given(st.sampled_from(sorted(catalogue())), st.text(max_size=40))
def test_any_text_is_taken_or_refused(path: str, text: str) -> None:
    """Whatever stands in a variable, the answer is settings or faults with a reason, never another error."""
    name = catalogue()[path].variable
    assert all(fault.reason for fault in _faults(lambda: environ_entries({name: text}, Path("/"))))


@given(st.text(max_size=200))
def test_any_file_is_taken_or_refused(text: str) -> None:
    """Whatever stands in a file, the answer is settings or faults."""
    assert all(fault.reason for fault in _faults(lambda: toml_entries(text, "f.toml", Path("/"))))


def test_the_address_people_see() -> None:
    """public_url goes before host and port; TLS makes it https."""
    told = {
        "": "http://127.0.0.1:8080",
        "[server]\ntls_cert='c'\ntls_key='k'": "https://127.0.0.1:8080",
        "[server]\npublic_url='https://songda.example/'": "https://songda.example",
    }
    found = {
        text: settle(toml_entries(text, "f", Path("/")), Path("/")).settings.server.address for text in told
    }
    assert found == told
