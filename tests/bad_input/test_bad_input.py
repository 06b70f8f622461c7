"""Each bad input is accepted or refused as expected.json states; a refusal writes no file and exits with 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bad_input.cases import CASES, EXPECTED_FILE, run_in_folder

EXPECTED = json.loads(EXPECTED_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_run_stage_on_bad_input(name: str, tmp_path: Path, finished: Path) -> None:
    assert run_in_folder(CASES[name], tmp_path, finished) == EXPECTED[name]
    assert not (tmp_path / "exploited").exists()
    assert not Path("exploited").exists()


def test_expected_refusals_state_expected_and_got() -> None:
    assert EXPECTED.keys() == CASES.keys()
    for name, outcome in EXPECTED.items():
        if outcome["exit"]:
            assert outcome["exit"] == 1, name
            assert outcome["new"] == [], name
            assert ": expected " in outcome["output"], name
            assert ", got " in outcome["output"], name
            assert "Traceback" not in outcome["output"], name
            assert len(outcome["output"]) < 2000, name
