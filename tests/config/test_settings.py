"""Every setting is explained, its default holds by its own rule, and the sample tells the same story."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.catalogue import Setting, catalogue, convert, nearest
from config.explain import explain
from config.loading import settle, toml_entries
from config.sample import sample
from config.settings import Settings

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "songda.toml"
ALL = list(catalogue().values())


@pytest.mark.parametrize("setting", ALL, ids=lambda setting: setting.path)
def test_every_setting_is_explained(setting: Setting) -> None:
    """Each key has its meaning in both languages, the values it takes, and a default that is one of them."""
    page = explain(setting, setting.default, "")
    assert re.search(r"[一-鿿]", setting.key.zh)
    assert re.fullmatch(r"[ -~]+", setting.key.en)
    assert setting.expectation in page
    assert setting.variable in page
    assert convert(setting, setting.default, lenient=False) == setting.default


def test_defaults_need_no_file(tmp_path: Path) -> None:
    """Without any source the settings are the documented defaults, with file names made absolute."""
    settings = settle([], tmp_path).settings
    assert (settings.server.host, settings.server.port, settings.audit.retention_days) == (
        "127.0.0.1",
        8080,
        180,
    )
    assert settings.data_folder == tmp_path / "songda-data"
    assert settings.keys_folder == tmp_path / "songda-data" / "keys"
    assert settings.dispatch == Settings().dispatch


def test_the_sample_is_written_from_the_settings() -> None:
    """deploy/songda.toml is what the settings say today; `songda config sample` writes it anew."""
    assert sample() == SAMPLE.read_text(encoding="utf-8")


def test_the_sample_names_every_key_with_its_default(tmp_path: Path) -> None:
    """With all marks removed the sample sets every key, and the result is the defaults."""
    text = re.sub(r"^#(?=\w)", "", sample(), flags=re.MULTILINE)
    loaded = settle(toml_entries(text, "sample", tmp_path), tmp_path)
    assert set(loaded.origins) == set(catalogue())
    assert loaded.settings == settle([], tmp_path).settings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("server.prot", "server.port"),
        ("port", "server.port"),
        ("store.port", "server.port"),
        ("sms.prise_li", "sms.price_li"),
        ("live.heartbeat", "live.heartbeat_s"),
        ("zzz.qqq", ""),
    ],
)
def test_a_misspelt_key_finds_its_neighbour(written: str, meant: str) -> None:
    """The key somebody meant is named; nothing is guessed for what resembles nothing."""
    assert nearest(written) == meant
