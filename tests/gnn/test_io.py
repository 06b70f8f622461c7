from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reelgraph.core.schemas.tables import CATALOG
from reelgraph.core.schemas.vectors import write_vectors
from reelgraph.gnn.io import read_movie_features, standardize_release_years
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.runtime.errors import ArtifactError


def test_standardize_release_years_ignores_missing_years() -> None:
    features = standardize_release_years(np.array([1990.0, np.nan, 2000.0, 2010.0]))
    assert features.shape == (4, 1)
    np.testing.assert_allclose(features[:, 0], [-1.2247449, 0, 0, 1.2247449], atol=1e-6)


@pytest.mark.parametrize("years", [[np.nan, np.nan], [1999.0, 1999.0], [np.nan, 1999.0]])
def test_standardize_release_years_is_zero_without_variance(years: list[float]) -> None:
    assert standardize_release_years(np.array(years)).tolist() == [[0.0], [0.0]]


def test_read_movie_features_follows_the_order_of_movie_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = {c.name_in_file: pa.nulls(2, c.type) for c in CATALOG.columns}
    cells |= {"movieId": pa.array([2, 4]), "release_year": pa.array([None, 2000], pa.int64())}
    write_parquet(pa.table(cells).cast(CATALOG.file_schema), "data/movies.parquet")
    write_vectors(np.array([2, 4]), np.array([[1, 2], [3, 4]], np.float32), "data/movie_features.parquet")
    assert read_movie_features("kg_gnn_bert", np.array([4, 2])).tolist() == [[3, 4], [1, 2]]
    assert read_movie_features("kg_gnn", np.array([2, 4])).shape == (2, 1)
    with pytest.raises(ArtifactError, match="movieId"):
        read_movie_features("kg_gnn_bert", np.array([4, 5]))
