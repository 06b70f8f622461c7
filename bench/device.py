"""A GPU beside two threads of the CPU: ``python -m bench.device cuda small|full``.

The same code on both, by turns; what they compute is held against each other. Writes
``bench/results/DEVICE_NAME.json`` and prints a table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median

import torch

from bench.comparison import Row, read_result, run_side
from bench.run import RESULTS, known_rows, machine

STAGES = ("bert_encode", "train_gnn_epoch", "train_gnn_epoch_bfloat16", "train_rater", "train_rater_gp")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device", choices=("cuda", "mps"))
    parser.add_argument("name", choices=("small", "full"), help="how large")
    parser.add_argument("--only", nargs="+", choices=STAGES, default=STAGES, help="stages; all by default")
    parser.add_argument("--rounds", type=int, default=2, help="how often both sides run")
    options = parser.parse_args()
    file = RESULTS / f"{options.device}_{options.name}.json"
    results = known_rows(file) | {
        name: row(name, options.name, options.device, options.rounds) for name in options.only
    }
    rows = [results[name] for name in STAGES if name in results]
    gpu = torch.cuda.get_device_name() if options.device == "cuda" else options.device
    text = json.dumps({"machine": {**machine(), "gpu": gpu}, "rows": rows}, indent=2)
    file.write_text(text + "\n", encoding="utf-8")
    print(_table(rows, options.device, gpu))


def _table(rows: list[Row], device: str, gpu: str) -> str:
    head = f"{gpu}\n| stage | size | CPU, 2 threads | {device} | ratio | its memory |\n"
    return head + "\n".join(["| --- | --- | --- | --- | --- | --- |", *map(_line, rows)])


def _line(row: Row) -> str:
    ratio = row["cpu_seconds"] / row["seconds"]
    return (
        f"| {row['name']} | {row['size']:,} {row['counts']} | {row['cpu_seconds']:.2f} s "
        f"| {row['seconds']:.3f} s | {ratio:.0f}× | {row['device_mb']:,} MB |"
    )


def row(name: str, how_large: str, device: str, rounds: int) -> Row:
    """Run both by turns at the largest size.

    Raises:
        AssertionError: they don't compute the same.
    """
    stage = import_module(f"bench.stages.{name}")
    size = stage.SIZES[how_large][-1]
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as temp_dir:
        folder, pairs = Path(temp_dir), []
        stage.prepare(folder, size)
        for _ in range(rounds):
            of_cpu = run_side(name, "reelgraph", folder, size, "cpu")
            arrays = read_result("reelgraph", folder).arrays
            pairs.append((of_cpu, run_side(name, "reelgraph", folder, size, device)))
            stage.check(arrays, read_result("reelgraph", folder).arrays)
    cpu, other = (median(median(pair[i]["seconds"]) for pair in pairs) for i in range(2))
    return {
        "name": name, "size": size, "counts": stage.COUNTS, "cpu_seconds": cpu, "seconds": other,
        "device_mb": max(pair[1]["device_mb"] for pair in pairs),
    }  # fmt: skip


if __name__ == "__main__":
    main()
