"""Measure the stages beside the plain re-implementation: ``python -m bench.run small|full``.

Writes ``bench/results/NAME.json`` and ``NAME.md``; stages that are not measured keep the rows that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from bench.comparison import Row, compare

STAGES = (
    "tables", "build_kg", "bert_encode", "train_gnn_epoch", "train_gnn_epoch_bfloat16",
    "train_gnn_to_quality", "train_rater", "evaluate", "train_ranker", "rank_user",
)  # fmt: skip
OPTIONAL_STAGES = ("bert_encode_int8",)
"""Stages that are measured by ``--only`` alone: they need other packages."""
PIPELINE_ROWS = ("repro_demo", "repro_million", "repro_full", "repro_full_gp")
"""Rows that ``bench.repro`` adds."""
ROUNDS = {"small": 3, "full": 3}
RESULTS = Path("bench/results")


def main() -> None:
    """Measure, write, print."""
    options = _arguments()
    file = RESULTS / f"{options.name}.json"
    rows = known_rows(file)
    for stage in options.only or STAGES:
        sizes = options.size or import_module(f"bench.stages.{stage}").SIZES[options.name]
        started = _load()
        rows[stage] = {"name": stage, **compare(stage, tuple(sizes), options.rounds or ROUNDS[options.name])}
        rows[stage] |= {"load": [started, _load()], "date": datetime.now(UTC).date().isoformat()}
        _write(file, rows)
        print(line(rows[stage]), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("small", "full"), help="how large, where --size doesn't say")
    parser.add_argument("--only", nargs="+", choices=STAGES + OPTIONAL_STAGES, help="stages; all by default")
    parser.add_argument("--size", nargs="+", type=int, help="ascending; the reference runs at the last")
    parser.add_argument("--rounds", type=int, help="how often both sides run at the last size")
    return parser.parse_args()


def known_rows(file: Path) -> dict[str, Row]:
    """Return the rows that a file of results has, by name."""
    if not file.exists():
        return {}
    return {row["name"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}


def _write(file: Path, rows: dict[str, Row]) -> None:
    ordered = [rows[name] for name in (*STAGES, *OPTIONAL_STAGES, *PIPELINE_ROWS) if name in rows]
    text = json.dumps({"machine": machine(), "rows": ordered}, indent=2)
    file.write_text(text + "\n", encoding="utf-8")
    file.with_suffix(".md").write_text(markdown(ordered), encoding="utf-8")


def add_row(name: str, row: Row) -> None:
    """Add a row that was measured elsewhere to the results of that name."""
    file = RESULTS / f"{name}.json"
    _write(file, known_rows(file) | {row["name"]: row})


def markdown(rows: list[Row]) -> str:
    """Return the rows as a table."""
    head = (
        f"{', '.join(f'{key} {value}' for key, value in machine().items())}\n\n"
        "`ratio`: the reference's seconds by reelgraph's, median of the rounds (lowest to highest). "
        "`spread`:\nlargest distance of two repetitions of one side by its median. `exponent`: p of "
        "seconds ~ size^p\nof reelgraph, over the sizes. `load`: the machine's load average before and "
        "after, that of the run included.\n\n"
        "| stage | size | ratio | reelgraph | reference | spread | memory, reelgraph | reference | exponent "
        "| load |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "\n".join(line(row) for row in rows) + "\n"


def line(row: Row) -> str:
    """Return a row of the table."""

    def number(key: str, form: str) -> str:
        return "–" if row.get(key) is None else form.format(row[key])

    spread = f" ({row['ratio_low']:.1f}–{row['ratio_high']:.1f})" if "ratio_low" in row else ""
    cells = [
        row["name"], f"{row['size']:,} {row['counts']}", number("ratio", "{:.1f}×") + spread,
        number("seconds", "{:,.2f} s"), number("reference_seconds", "{:,.2f} s"), number("spread", "{:.0%}"),
        number("peak_mb", "{:,} MB"), number("reference_peak_mb", "{:,} MB"), number("exponent", "{:.2f}"),
        " → ".join(f"{load:.1f}" for load in row["load"]),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def machine() -> dict[str, Any]:
    """Describe the machine."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(text.split(":")[1].strip() for text in lines if text.startswith("model name"))
    except (FileNotFoundError, StopIteration):
        return platform.processor()


def _load() -> float:
    return os.getloadavg()[0]


if __name__ == "__main__":
    main()
