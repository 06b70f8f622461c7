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

STAGES = ("bert_encode", "train_gnn_epoch", "train_gnn_epoch_bfloat16", "train_rater")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device", choices=("cuda", "mps"))
    parser.add_argument("name", choices=("small", "full"), help="how large")
    parser.add_argument("--only", nargs="+", choices=STAGES, default=STAGES, help="stages; all by default")
    parser.add_argument("--rounds", type=int, default=2, help="how often both sides run")
    asked = parser.parse_args()
    file = RESULTS / f"{asked.device}_{asked.name}.json"
    found = known_rows(file) | {
        name: row(name, asked.name, asked.device, asked.rounds) for name in asked.only
    }
    rows = [found[name] for name in STAGES if name in found]
    gpu = torch.cuda.get_device_name() if asked.device == "cuda" else asked.device
    text = json.dumps({"machine": {**machine(), "gpu": gpu}, "rows": rows}, indent=2)
    file.write_text(text + "\n", encoding="utf-8")
    print(_table(rows, asked.device, gpu))


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
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as place:
        folder, found = Path(place), []
        stage.prepare(folder, size)
        for _ in range(rounds):
            of_cpu = run_side(name, "ours", folder, size, "cpu")
            arrays = read_result("ours", folder).arrays
            found.append((of_cpu, run_side(name, "ours", folder, size, device)))
            stage.check(arrays, read_result("ours", folder).arrays)
    cpu, other = (median(median(pair[i]["seconds"]) for pair in found) for i in range(2))
    return {
        "name": name, "size": size, "counts": stage.COUNTS, "cpu_seconds": cpu, "seconds": other,
        "device_mb": max(pair[1]["device_mb"] for pair in found),
    }  # fmt: skip


if __name__ == "__main__":
    main()
