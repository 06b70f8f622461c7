"""Run the whole pipeline with other params in a project copy: ``python -m bench.repro bench/full.yaml``.

Without a file, that is the demo. Prints seconds and peak memory of each stage and of all. With
``--into full`` they become the row ``repro_full`` of ``bench/results/full.json``, and with ``--rater gp``
the row ``repro_full_gp``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.run import add_row
from reelgraph.params.base import PARAMS_FILE


def main() -> None:
    """Copy, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("params", type=Path, nargs="?", help="what differs from params.yaml")
    parser.add_argument(
        "--rater", choices=("gp", "attention", "transformer"), help="model.type, where not the file's"
    )
    parser.add_argument("--folder", type=Path, help="of the copy, which stays there; else a temporary one")
    parser.add_argument("--into", choices=("small", "full"), help="results that get the row")
    options = parser.parse_args()
    changes = YAML(typ="safe").load(options.params) if options.params else {}
    name = f"repro_{options.params.stem if options.params else 'demo'}"
    if options.rater:
        changes.setdefault("model", {})["type"] = options.rater
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as temporary:
        folder = options.folder or Path(temporary) / "project"
        subprocess.run(["git", "clone", "-q", ".", folder], check=True)
        write_params(folder / PARAMS_FILE, changes)
        row = {"name": f"{name}_{options.rater}" if options.rater else name, **run(folder)}
    print(json.dumps(row, indent=2))
    if options.into:
        add_row(options.into, row)


def write_params(file: Path, changes: dict[str, Any]) -> None:
    """Change keys of a params file; null leaves an entry out."""
    yaml = YAML()
    values = yaml.load(file)
    for section, keys in changes.items():
        for key, value in keys.items():
            if value is None:
                del values[section][key]
            else:
                values[section][key] = value
    yaml.dump(values, file)


def run(folder: Path) -> dict[str, Any]:
    """Run ``dvc repro`` in a copy of the project and return what it took."""
    load, start = os.getloadavg()[0], time.perf_counter()
    subprocess.run(["dvc", "repro", "--no-run-cache"], cwd=folder, check=True)
    seconds = time.perf_counter() - start
    timings = folder / ".timings"
    stages = {
        str(f.relative_to(timings).with_suffix("")): json.loads(f.read_text())
        for f in timings.rglob("*.json")
    }
    rater = json.loads((folder / "metrics/rater.json").read_text(encoding="utf-8"))
    users = json.loads((folder / "reports/data.json").read_text(encoding="utf-8"))
    return {
        "size": users["filter"]["ratings_after"],
        "counts": "ratings",
        "ratio": None,
        "seconds": seconds,
        "reference_seconds": None,
        "peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "test_rmse": rater["rmse"],
        "stages": dict(sorted(stages.items())),
        "load": [load, os.getloadavg()[0]],
        "date": datetime.now(UTC).date().isoformat(),
    }


if __name__ == "__main__":
    main()
