from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.vectors import LAYOUT_SCHEMA, MapLayout, read_map_layout, write_map_layout
from reelgraph.runtime.errors import ArtifactError


def test_read_map_layout_returns_what_was_written(tmp_path: Path) -> None:
    ids = np.array([50, 3, 17])
    x, y = np.array([0.5, 1, 2], np.float32), np.array([-1, 0, 4], np.float32)
    near = np.array([[1, 2], [2, 0], [0, 1]])
    write_map_layout(MapLayout(ids, x, y, near), tmp_path / "map.parquet")
    assert pq.read_table(tmp_path / "map.parquet")["neighbours"].to_pylist()[0] == [3, 17]
    layout = read_map_layout(tmp_path / "map.parquet")
    for actual, expected in (
        (layout.movie_ids, ids),
        (layout.x, x),
        (layout.y, y),
        (layout.neighbours, near),
    ):
        assert np.array_equal(actual, expected)


def test_read_map_layout_rejects_invalid_files(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no file"):
        read_map_layout(tmp_path / "map.parquet")
    (tmp_path / "map.parquet").write_bytes(b"no parquet")
    with pytest.raises(ArtifactError, match="expected a parquet file"):
        read_map_layout(tmp_path / "map.parquet")
    rows = pa.table({"movieId": [1], "x": [0.0], "y": [0.0], "neighbours": [[2]]}).cast(LAYOUT_SCHEMA)
    pq.write_table(rows, tmp_path / "map.parquet")
    with pytest.raises(ArtifactError, match=r"neighbours not in the file in 1 row, first at row 1 \(1\)"):
        read_map_layout(tmp_path / "map.parquet")
