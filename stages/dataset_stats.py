"""Stage dataset_stats: collect the counts of the earlier stages in reports/data.json."""

from __future__ import annotations

from reelgraph.core.schemas.records import StageCounts, read_record
from reelgraph.core.schemas.reports import round_figures
from reelgraph.params.base import StageParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage

SOURCES = ("ingest", "filter", "text", "kg", "sequences")


def main(params: StageParams) -> str:
    """Write the counts of all stages to one file."""
    counts = {source: read_record(f"data/counts/{source}.json", StageCounts).counts for source in SOURCES}
    write_json(round_figures(counts), "reports/data.json")
    return f"{counts['filter']['movies_after']:,} movies, {counts['filter']['ratings_after']:,} ratings"


if __name__ == "__main__":
    run_stage("dataset_stats", StageParams, main)
