"""Rows of single targets: sorted, few, and the same for the same targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.core.target_rows import MAX_ROWS, parse_target_rows, write_target_rows

TYPES = {"user": int, "movie": int, "predicted": float}


def rows(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    user = rng.integers(2**40, size=n)
    return {"user": user, "movie": rng.permutation(n), "predicted": rng.uniform(0.5, 5, n)}


def test_write_target_rows_sorts_by_all_keys(tmp_path: Path) -> None:
    columns = {
        "user": np.array([2, 1, 1]),
        "movie": np.array([1, 9, 3]),
        "predicted": np.array([1.0, 2.123456, 3.5]),
    }
    write_target_rows(columns, 2, tmp_path / "rows.tsv")
    assert (tmp_path / "rows.tsv").read_text() == "user\tmovie\tpredicted\n1\t3\t3.5\n1\t9\t2.1235\n2\t1\t1\n"


def test_write_target_rows_draws_the_same_targets_whatever_is_predicted(tmp_path: Path) -> None:
    columns = rows(MAX_ROWS + 500)
    shuffled = np.random.default_rng(1).permutation(MAX_ROWS + 500)
    other = {name: values[shuffled] for name, values in columns.items()} | {
        "predicted": columns["predicted"] * 0 + 3
    }
    write_target_rows(columns, 2, tmp_path / "one.tsv")
    write_target_rows(other, 2, tmp_path / "two.tsv")
    one, two = (parse_target_rows((tmp_path / f"{name}.tsv").read_text(), TYPES) for name in ("one", "two"))
    assert len(one["user"]) == MAX_ROWS
    assert np.array_equal(one["user"], two["user"])
    assert np.array_equal(one["movie"], two["movie"])


def test_write_target_rows_stays_below_300_kb_with_the_longest_ids(tmp_path: Path) -> None:
    columns = rows(MAX_ROWS)
    first = np.iinfo(np.int64).min
    longest = {"user": columns["user"] + first, "movie": columns["movie"] + first,
               "actual": np.full(MAX_ROWS, 4.5), "predicted": columns["predicted"]}  # fmt: skip
    write_target_rows(longest, 2, tmp_path / "rows.tsv")
    assert (tmp_path / "rows.tsv").stat().st_size < 300_000


def test_parse_target_rows_of_an_empty_file_without_rows(tmp_path: Path) -> None:
    write_target_rows(rows(0), 2, tmp_path / "rows.tsv")
    assert all(
        len(column) == 0 for column in parse_target_rows((tmp_path / "rows.tsv").read_text(), TYPES).values()
    )


@pytest.mark.parametrize(
    "text",
    ["user\tmovie\n1\t2\n", "user\tmovie\tpredicted\n1\t2\n", "user\tmovie\tpredicted\n1\t2\tx\n", "\n"],
)
def test_parse_target_rows_rejects_broken_files(text: str) -> None:
    with pytest.raises(ValueError, match=r"column|values|float"):
        parse_target_rows(text, TYPES)
