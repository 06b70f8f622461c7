"""Gather the slow studies' metrics in studies/results.json: ``python -m tools.collect_studies``.

Stage report reads that file and not the studies' own, since DVC would otherwise run the studies
before each report. A study of other ratings than the pipeline's is kept, with what it was measured on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reelgraph.report.inputs import STUDIES
from reelgraph.runtime.atomic_io import read_json, write_json

RESULTS = "studies/results.json"
HISTORIES = "data/sequences"


def collect_results(root: Path | str = ".") -> dict[str, Any]:
    """Return each study that was run: figures, counts of its data, whether the pipeline changed since."""
    base = Path(root)
    made = _hashes(base / "dvc.lock", "outs")
    counts = read_json(base / "metrics/data.json")
    found = {}
    for name, folder in STUDIES.items():
        path = base / f"metrics/{name}.json"
        if path.exists():
            read = _hashes(base / f"studies/{folder}/dvc.lock", "deps")
            same = {key: made[key] == value for key, value in read.items() if key in made}
            data = counts if same.get(HISTORIES, False) else {}
            found[name] = {"data": data, "stale": not all(same.values()), "figures": read_json(path)}
    return found


def _hashes(lock: Path, kind: str) -> dict[str, str]:
    """Return path → hash of what a dvc.lock names, seen from the project's root."""
    if not lock.exists():
        return {}
    stages = YAML(typ="safe").load(lock).get("stages", {}).values()
    return {
        _plain(entry["path"]): entry["md5"]
        for stage in stages
        for entry in stage.get(kind, [])
        if "md5" in entry
    }


def _plain(path: str) -> str:
    return path.removeprefix("../../")


if __name__ == "__main__":
    results = collect_results()
    write_json(results, RESULTS)
    print(f"{RESULTS}: {', '.join(results) or 'no study has been run'}")
