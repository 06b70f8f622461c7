from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.summary import format_result_table, timings

ROW = {"rmse": 0.9, "mae": 0.7}


@pytest.mark.parametrize(
    ("improvement", "sentence"),
    [
        (19.12, "The rater's RMSE is 19.1 % below the user mean's."),
        (-1.84, "The rater's RMSE is 1.8 % above the user mean's."),
    ],
)
def test_format_result_table_says_which_rmse_is_lower(improvement: float, sentence: str) -> None:
    rater = ROW | {"n_targets": 600, "improvement_pct": improvement}
    table = format_result_table({"rater": rater, "user_mean": ROW | {"rmse": 0.9512}})
    assert "\nuser_mean         0.9512     0.7\n" in table
    assert table.endswith(sentence)


def test_timings_ignores_files_of_other_stages(tmp_path: Path) -> None:
    for name in ("old_stage", "old_stage/fit", "baselines", "baselines/bias", "ingest"):
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"seconds": 1.25, "peak_mb": 1234}))
    lines = timings(["ingest", "project", "baselines"], tmp_path).splitlines()
    assert [line.split()[0] for line in lines] == ["ingest", "baselines", "baselines/bias"]
    assert lines[0].endswith("1.2 s   1,234 MB")
