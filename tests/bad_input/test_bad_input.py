"""Each bad input is accepted with the result that expected.json has, or refused with its words, code 1, and no output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bad_input.cases import CASES, SAID, outcome

EXPECTED = json.loads(SAID.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_accepted_as_stated_or_refused_with_nothing_left(name: str, tmp_path: Path, finished: Path) -> None:
    found = outcome(CASES[name], tmp_path, finished)
    assert found == EXPECTED[name]
    assert not (tmp_path / "exploited").exists()
    assert not Path("exploited").exists()


def test_what_is_refused_is_refused_clearly() -> None:
    assert EXPECTED.keys() == CASES.keys()
    for name, found in EXPECTED.items():
        if found["exit"]:
            assert found["exit"] == 1, name
            assert found["new"] == [], name
            assert ": expected " in found["said"], name
            assert ", got " in found["said"], name
            assert "Traceback" not in found["said"], name
            assert len(found["said"]) < 2000, name
