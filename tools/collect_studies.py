"""Collects the results of the studies in studies/results.json: ``python -m tools.collect_studies``.

Stage report depends on that file. It also holds results for other test targets than the pipeline's, with the
hash of these targets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelgraph.core.schemas.records import read_predictions
from reelgraph.core.schemas.reports import read_table
from reelgraph.report.inputs import STUDIES, target_fingerprint
from reelgraph.runtime.atomic_io import read_json, write_json
from studies.study import RECORDS, output_hashes

RESULTS = "studies/results.json"
SEQUENCES = "data/sequences"
PREDICTIONS = "data/predictions.parquet"


def collect_results(root: Path) -> dict[str, Any]:
    """Return the results of each study that was run; of one that never ran here, its earlier results.

    Returns:
        Study → ``figures``, its table; ``targets``, the hash of its test targets, empty for other ones than
        the pipeline's; ``stale``, whether the pipeline has changed since.
    """
    earlier = read_json(root / RESULTS) if (root / RESULTS).exists() else {}
    if not (root / PREDICTIONS).exists():  # DVC removed it to run its stage, and was killed
        return earlier
    hashes = output_hashes(root / "dvc.lock")
    targets = target_fingerprint(read_predictions(root / PREDICTIONS))
    results = {}
    for name, study in STUDIES.items():
        table = root / f"studies/{name}/results.tsv"
        record = root / RECORDS / f"{name}.json"
        if not record.exists():  # what is known of its data is what was known before
            if name in earlier:
                results[name] = earlier[name]
        elif table.exists():
            inputs = read_json(record)
            results[name] = {
                "targets": targets if inputs.get(SEQUENCES) == hashes.get(SEQUENCES) else "",
                "stale": any(hashes.get(path) != md5 for path, md5 in inputs.items()),
                "figures": read_table(table, study.keys),
            }
    return results


def main(root: Path = Path()) -> None:
    """Write the file that stage report reads."""
    write_json(collect_results(root), root / RESULTS)


if __name__ == "__main__":
    main()
