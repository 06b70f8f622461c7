"""Collects the results of the studies in studies/results.json: ``python -m tools.collect_studies``.

Stage report depends on that file instead of the studies' tables. Otherwise DVC would run the
studies before each report. The file also holds results for other test targets than the pipeline's,
with the hash of these targets. The predictions of the external baselines are copied to a file of their own.

The exit status is 1 if a file changed, so that the report is rendered again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reelgraph.core.schemas.records import read_predictions
from reelgraph.core.schemas.reports import read_table
from reelgraph.report.external_baselines import EXTERNAL_PREDICTIONS
from reelgraph.report.inputs import STUDIES, target_fingerprint
from reelgraph.runtime.atomic_io import read_json, write_json, write_text
from tools.review.stages import file_hashes

RESULTS = "studies/results.json"
SEQUENCES = "data/sequences"
PREDICTIONS = "data/predictions.parquet"
STUDY_PREDICTIONS = "data/external_baselines.tsv"


def collect_results(root: Path) -> dict[str, Any]:
    """Return the results of each study that was run; without its dvc.lock, its earlier results.

    Returns:
        Study → ``figures``, its table; ``targets``, the hash of its test targets, empty for other ones than
        the pipeline's; ``stale``, whether the pipeline has changed since.
    """
    output_hashes = _hashes(root / "dvc.lock", "outs")
    earlier = read_json(root / RESULTS) if (root / RESULTS).exists() else {}
    if not (root / PREDICTIONS).exists():  # DVC removed it to run its stage, and was killed
        return earlier
    targets = target_fingerprint(read_predictions(root / PREDICTIONS))
    results = {}
    for name, study in STUDIES.items():
        table = root / f"studies/{name}/results.tsv"
        lock = root / f"studies/{name}/dvc.lock"
        if not lock.exists():  # not run here: what is known of its data is what was known before
            if name in earlier:
                results[name] = earlier[name]
        elif table.exists():
            dependencies = _hashes(lock, "deps").items()
            unchanged = {
                path: output_hashes[path] == md5 for path, md5 in dependencies if path in output_hashes
            }
            results[name] = {
                "targets": targets if unchanged.get(SEQUENCES, False) else "",
                "stale": not all(unchanged.values()),
                "figures": read_table(table, study.keys),
            }
    return results


def _hashes(lock: Path, key: str) -> dict[str, str]:
    """Return path → hash of the ``deps`` or ``outs`` of all stages of a dvc.lock."""
    stages = YAML(typ="safe").load(lock).get("stages", {}) if lock.exists() else {}
    hashes = (item for entry in stages.values() for item in file_hashes(entry, key).items())
    return {path: md5 for path, md5 in hashes if md5}


def main(root: Path = Path()) -> bool:
    """Write the files that stage report reads; return whether one of them changed."""
    paths = [root / RESULTS, root / EXTERNAL_PREDICTIONS]
    before = [_content(path) for path in paths]
    write_json(collect_results(root), root / RESULTS)
    source = root / STUDY_PREDICTIONS
    if source.exists():
        write_text(source.read_text(encoding="utf-8"), root / EXTERNAL_PREDICTIONS)
    return before != [_content(path) for path in paths]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


if __name__ == "__main__":
    sys.exit(main())
