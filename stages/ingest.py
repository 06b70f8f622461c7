"""Stage ingest: read the data source into a catalogue, ratings, known values of the demo, and counts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reelgraph.params.data import IngestParams
from reelgraph.runtime.atomic_io import write_arrays, write_json, write_parquet
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sources.ingest import ingest

CATALOG_FILE = Path("data/catalog.parquet")
RATINGS_FILE = Path("data/ratings.parquet")
TRUTH = Path("data/truth")
COUNTS = Path("data/counts/ingest.json")


def main(params: IngestParams) -> str:
    """Validate the source, then write its catalogue, its ratings and, for the demo, the true model."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-ingest-") as scratch:
        source = ingest(params, Path(scratch))
        # The longest write comes first: a full disk then leaves the old files untouched.
        n_ratings = write_parquet(source.rating_batches(), RATINGS_FILE, source.rating_schema)
    write_parquet(source.catalog, CATALOG_FILE)
    write_json({"conversions": dict(source.conversions)}, COUNTS)
    write_arrays(source.truth, TRUTH)
    if not source.truth:
        write_json({"reason": "real data has no known truth"}, TRUTH / "none.json")
    counts = f"{len(source.catalog):,} movies, {n_ratings:,} ratings from {params.data.source}"
    return "; ".join((counts, *source.notes))


if __name__ == "__main__":
    run_stage("ingest", IngestParams, main)
