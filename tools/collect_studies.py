"""Collects the results of the studies in studies/results.json: ``python -m tools.collect_studies``.

Stage report depends on that file instead of the studies' tables. Otherwise DVC would run the
studies before each report. The file also holds results for other ratings than the pipeline's,
with the counts of the data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reelgraph.core.schemas.reports import read_table
from reelgraph.report.inputs import STUDIES
from reelgraph.runtime.atomic_io import read_json, write_json

RESULTS = "studies/results.json"
SEQUENCES = "data/sequences"
COUNTS = "reports/data.json"


def collect_results(root: Path | str = ".") -> dict[str, Any]:
    """Return the results of each study that was run; without its dvc.lock, its earlier results.

    Returns:
        Study → ``figures``, its table; ``data``, the counts of its data, empty for other data than
        the pipeline's; ``stale``, whether the pipeline has changed since.
    """
    root_path = Path(root)
    output_hashes = _hashes(root_path / "dvc.lock", "outs")
    earlier = read_json(root_path / RESULTS) if (root_path / RESULTS).exists() else {}
    if not (root_path / COUNTS).exists():  # DVC removed it to run its stage, and was killed
        return earlier
    counts = read_json(root_path / COUNTS)
    results = {}
    for name, keys in STUDIES.items():
        table = root_path / f"studies/{name}/results.tsv"
        lock = root_path / f"studies/{name}/dvc.lock"
        if not lock.exists():  # not run here: what is known of its data is what was known before
            if name in earlier:
                results[name] = earlier[name]
        elif table.exists():
            dependency_hashes = _hashes(lock, "deps")
            unchanged = {
                path: output_hashes[path] == md5
                for path, md5 in dependency_hashes.items()
                if path in output_hashes
            }
            results[name] = {
                "data": counts if unchanged.get(SEQUENCES, False) else {},
                "stale": not all(unchanged.values()),
                "figures": read_table(table, keys),
            }
    return results


def _hashes(lock: Path, key: str) -> dict[str, str]:
    """Return path, relative to the project's root → hash of the ``deps`` or ``outs`` of a dvc.lock."""
    if not lock.exists():
        return {}
    stages = YAML(typ="safe").load(lock).get("stages", {}).values()
    return {
        entry["path"].removeprefix("../../"): entry["md5"]
        for stage in stages
        for entry in stage.get(key, [])
        if "md5" in entry
    }


if __name__ == "__main__":
    results = collect_results()
    write_json(results, RESULTS)
    print(f"{RESULTS}: {', '.join(results) or 'no study has been run'}")
