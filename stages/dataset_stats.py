"""Stage counts: what the stages counted → metrics/data.json."""

from __future__ import annotations

from reelgraph.params.base import StageParams
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.records import StageCounts, read_record

PARTS = ("filter", "text", "kg", "sequences")


def main(params: StageParams) -> str:
    """Gather the counts of all stages in one metrics file."""
    found = {part: read_record(f"data/counts/{part}.json", StageCounts).counts for part in PARTS}
    write_metrics(found, "metrics/data.json")
    return f"{found['filter']['movies_after']:,} movies, {found['filter']['ratings_after']:,} ratings"


if __name__ == "__main__":
    run_stage("dataset_stats", StageParams, main)
