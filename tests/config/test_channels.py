"""The channels' file: what is wrong with it is told with its place, and no secret ever stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.channels import Channel, read_channels, secret_of

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
[[channel]]
name = "mobile"
protocol = "cmpp3"
host = "10.1.2.3"
account = "901234"
source = "106575000933"
carriers = ["mobile"]
"""


def test_the_sample_can_be_used_as_it_is() -> None:
    """What stands in the sample is a channel, and so are its commented tables once they are uncommented."""
    text = (ROOT / "deploy" / "channels.toml").read_text("utf-8")
    (one,) = read_channels(text)
    assert (one.name, one.to_port, one.window) == ("mobile", 7890, 16)
    lines = (
        line[1:]
        if line.startswith(
            (
                "#[",
                "#name",
                "#protocol",
                "#host",
                "#account",
                "#source",
                "#carriers",
                "#node",
                "#corp",
                "#listen",
            )
        )
        else line
        for line in text.splitlines()
    )
    told = read_channels("\n".join(lines))
    assert [(each.name, each.to_port) for each in told] == [
        ("mobile", 7890),
        ("unicom", 8801),
        ("telecom", 8890),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "[[channel]]"),
        (GOOD + "colour = 'red'", "colour"),
        (GOOD.replace('"cmpp3"', '"cmpp9"'), "protocol"),
        (GOOD.replace('"mobile"\nprotocol', '"移动"\nprotocol'), "name"),
        (GOOD + "rate_per_s = 0", "rate_per_s"),
        (GOOD + GOOD, "已被前面的通道使用"),
        (GOOD.replace('host = "10.1.2.3"', ""), "host"),
        (GOOD.replace("10.1.2.3", "<网关地址>"), "占位文字"),
        (GOOD.replace("901234", "90123"), "6 位"),
        (GOOD.replace('"cmpp3"', '"sgip"'), "node"),
        (GOOD.replace('"cmpp3"', '"http"'), "url"),
        (GOOD.replace('["mobile"]', "[]"), "carriers"),
        ("[[channel]]\nname = 1", "第 1 个"),
        ("[[channel", "array declaration"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, words: str) -> None:
    """Each fault names the table and the key, or says what was expected."""
    with pytest.raises(ValueError, match=r".") as fault:
        read_channels(text)
    assert words in str(fault.value)


def test_a_secret_lies_in_a_file_of_its_own(tmp_path: Path) -> None:
    """Without the file, open to others, or empty: the reason and the mend are told, never the secret."""
    (channel,) = read_channels(GOOD)
    with pytest.raises(ValueError, match="没有密钥文件"):
        secret_of(channel, tmp_path)
    file = tmp_path / "sms-mobile.secret"
    file.write_text("s3cret\n")
    file.chmod(0o644)
    with pytest.raises(ValueError, match="对他人开放"):
        secret_of(channel, tmp_path)
    file.chmod(0o600)
    assert secret_of(channel, tmp_path) == "s3cret"
    file.write_bytes(b"\xff\x00")
    with pytest.raises(ValueError, match="ASCII") as fault:
        secret_of(channel, tmp_path)
    assert "s3cret" not in str(fault.value)
    assert "secret" not in Channel.__struct_fields__
