"""Stage ingest: the source that ``data`` names → data/catalog.parquet, data/ratings.parquet, data/truth/."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reelgraph.params.data import IngestParams
from reelgraph.runtime import stage_runner
from reelgraph.runtime.atomic_io import write_arrays, write_json, write_parquet
from reelgraph.sources.ingest import ingest

CATALOG_FILE = Path("data/catalog.parquet")
RATINGS_FILE = Path("data/ratings.parquet")
TRUTH = Path("data/truth")


def main(params: IngestParams) -> str:
    """Check the source, then write; return the summary."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-ingest-") as scratch:
        found = ingest(params, Path(scratch))
        # The longest write comes first, so that a full disk leaves the old files.
        ratings = write_parquet(found.rating_batches(), RATINGS_FILE, found.rating_schema)
    write_parquet(found.catalog, CATALOG_FILE)
    write_arrays(found.truth, TRUTH)
    if not found.truth:
        write_json({"reason": "real data has no known truth"}, TRUTH / "none.json")
    counts = f"{len(found.catalog):,} movies, {ratings:,} ratings from {params.data.source}"
    return "; ".join((counts, *found.notes))


if __name__ == "__main__":
    stage_runner.run_stage("ingest", IngestParams, main)
