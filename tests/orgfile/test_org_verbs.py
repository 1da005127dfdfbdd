"""`songda org` as an office calls it: template, check, import, the fictional city."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from tests.orgfile.sheets import HEADERS, sound, workbook

runner = CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"})


def test_template_is_written_and_never_overwritten(tmp_path: Path) -> None:
    """The template is written once; a second time it asks for --overwrite."""
    file = str(tmp_path / "t.xlsx")
    assert runner.invoke(app, ["org", "template", file]).exit_code == 0
    refused = runner.invoke(app, ["org", "template", file])
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    assert runner.invoke(app, ["org", "template", file, "--overwrite"]).exit_code == 0
    assert runner.invoke(app, ["org", "template", str(tmp_path / "no" / "t.xlsx")]).exit_code == 1


def test_check_lists_every_fault_and_ends_with_one(tmp_path: Path) -> None:
    """A faulty file ends with 1 and a table of all faults; texts of the file are not read as markup."""
    tables = sound()
    tables["人员"][0][HEADERS["人员"].index("角色")] = "[red]皇帝[/red]"
    tables["单位"][1][HEADERS["单位"].index("条线编码")] = "tax"
    told = runner.invoke(app, ["org", "check", str(workbook(tmp_path / "x.xlsx", tables))])
    assert told.exit_code == 1
    assert "[red]皇帝[/red]" in told.stdout
    assert "条线编码不存在" in told.stdout
    assert "2 处问题" in told.stderr


def test_check_passes_a_sound_file(tmp_path: Path) -> None:
    """A sound file ends with 0 and its counts."""
    told = runner.invoke(app, ["org", "check", str(workbook(tmp_path / "x.xlsx", sound()))])
    assert (told.exit_code, "人员 5" in told.stdout) == (0, True)


@pytest.mark.parametrize("faulty", [True, False])
def test_check_as_json_is_one_object(tmp_path: Path, *, faulty: bool) -> None:
    """--json gives one object with every finding, for other programs."""
    tables = sound()
    if faulty:
        tables["人员"][0][0] = ""
    told = runner.invoke(app, ["org", "check", "--json", str(workbook(tmp_path / "x.xlsx", tables))])
    answer = msgspec.json.decode(told.stdout)
    assert (told.exit_code, answer["importable"]) == (int(faulty), not faulty)
    assert [(found["sheet"], found["row"]) for found in answer["findings"]] == (
        [("人员", 2)] if faulty else []
    )


def test_a_flood_of_faults_is_cut_unless_all_are_asked_for(tmp_path: Path) -> None:
    """The table shows the first findings and says how to see the others."""
    tables = sound()
    tables["人员"] += [[f"Q{number}", "", "", "", "U1", "", "干部职工"] for number in range(300)]
    file = str(workbook(tmp_path / "x.xlsx", tables))
    cut, whole = (
        runner.invoke(app, ["org", "check", file]),
        runner.invoke(app, ["org", "check", "--all", file]),
    )
    assert "共 300 条" in cut.stdout
    assert "300 处问题" in cut.stderr
    assert whole.stdout.count("不能为空") == 300


def test_import_is_all_or_nothing_unless_told_otherwise(tmp_path: Path) -> None:
    """A faulty file imports nothing; --accept-good imports the good rows; the mended file completes it, twice over."""
    tables = sound()
    tables["人员"][4][HEADERS["人员"].index("姓名")] = ""
    faulty, mended = workbook(tmp_path / "faulty.xlsx", tables), workbook(tmp_path / "sound.xlsx", sound())
    data = ["--data", str(tmp_path / "data")]
    refused = runner.invoke(app, ["org", "import", str(faulty), *data])
    assert refused.exit_code == 1
    assert "不能为空" in refused.stdout
    partly = runner.invoke(app, ["org", "import", "--accept-good", "--json", str(faulty), *data])
    told = msgspec.json.decode(partly.stdout)
    assert (told["stored"], told["persons"], told["appointments"]) == (True, 4, 4)
    for _ in range(2):
        done = runner.invoke(app, ["org", "import", str(mended), *data])
        assert done.exit_code == 0, done.output
        assert "人员 5、任职 6" in done.stdout


def test_the_fictional_city_is_written_ready_for_import(tmp_path: Path) -> None:
    """The verb writes a city that passes the check; an impossible size is refused with what is needed."""
    file = str(tmp_path / "city.xlsx")
    size = ["--units", "12", "--persons", "120", "--counties", "2"]
    assert runner.invoke(app, ["org", "demo-city", file, *size]).exit_code == 0
    assert runner.invoke(app, ["org", "check", file]).exit_code == 0
    refused = runner.invoke(app, ["org", "demo-city", file, "--overwrite", "--units", "5"])
    assert refused.exit_code == 1
    assert "32" in refused.stderr
