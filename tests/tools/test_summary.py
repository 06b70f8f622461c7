from __future__ import annotations

import pytest

from tools.summary import format_result_table

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
