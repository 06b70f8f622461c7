"""What a rating costs, by CPU time: ``python -m bench.scaling 1000000 3000000 10000000 --backend duckdb``.

CPU seconds, and not those of the clock, as a machine with other work leaves them nearly alone. Each step and
size runs in a process of its own, on generated ratings; ``--steps train_rater`` is an epoch of attention over
all targets. Writes ``bench/results/growth_NAME.json``, with the exponent p of cost ~ ratings^p.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from ibis.backends import BaseBackend

from bench.comparison import exponent
from bench.run import RESULTS, machine
from bench.stages import train_rater as rater
from bench.stages.tables import SEQUENCES, prepare
from reelgraph.core.schemas.tables import open_catalog, open_ratings
from reelgraph.core.table_engine import connect
from reelgraph.params.data import Engine
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.sequences.build import build_histories
from reelgraph.sequences.dataset import write_histories
from reelgraph.sources.filtering import filter_movies

Row = dict[str, Any]


def main() -> None:
    """Measure every step at every size, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="+", type=int, help="ratings, ascending")
    parser.add_argument("--backend", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=["filter", "make_sequences"])
    parser.add_argument("--name", help="of the results; the backend's by default")
    parser.add_argument("--memory-mb", type=int, default=1000, help="of the engine, before it spills to disk")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        engine = Engine(backend=options.backend, url="local[2]", memory_mb=options.memory_mb)
        print(json.dumps(_cost(options.step, options.folder, options.sizes[0], engine)))
        return
    rows = [row for size in options.sizes for row in _measured(size, options)]
    results = {
        "machine": machine(),
        "load": os.getloadavg()[0],
        "engine_mb": options.memory_mb,
        "rows": rows,
        "exponents": _exponents(rows),
    }
    text = json.dumps(results, indent=2) + "\n"
    (RESULTS / f"growth_{options.name or options.backend}.json").write_text(text, encoding="utf-8")
    print(text)


def _measured(size: int, options: argparse.Namespace) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as folder:
        prepare(Path(folder), size)
        rows = []
        for step in options.steps:
            command = [sys.executable, "-W", "ignore", "-m", "bench.scaling", str(size), "--step", step]
            command += [
                "--folder",
                folder,
                "--backend",
                options.backend,
                "--memory-mb",
                str(options.memory_mb),
            ]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rows.append({"step": step, "ratings": size, **json.loads(output.splitlines()[-1])})
            print(rows[-1], file=sys.stderr, flush=True)
        return rows


def _cost(step: str, folder: Path, size: int, engine: Engine) -> Row:
    """Run a step; return its CPU seconds and peak memory, of this process and of Spark's."""
    me = psutil.Process()
    before, start = _cpu([me]), time.perf_counter()
    STEPS[step](connect(engine), folder, size)
    family, seconds = [me, *me.children(recursive=True)], time.perf_counter() - start
    peak = sum(_peak_mb(process.pid) for process in family)
    return {"cpu_seconds": _cpu(family) - before, "seconds": seconds, "peak_mb": peak}


def _cpu(family: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in family))


def _peak_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    _, _, peak = status.partition("VmHWM:")
    return int(peak.split()[0]) // 1024 if peak else 0  # 0: it has ended


def _filter(connection: BaseBackend, folder: Path, size: int) -> None:
    filtered = filter_movies(connection, folder / "catalog.parquet", folder / "ratings.parquet")
    write_parquet(filtered.movies, folder / "movies.parquet")


def _make_sequences(connection: BaseBackend, folder: Path, size: int) -> None:
    ratings = open_ratings(connection, folder / "ratings.parquet")
    movies = open_catalog(connection, folder / "movies.parquet")
    write_histories(build_histories(ratings, movies, SEQUENCES), folder / "sequences")


def _train_rater(connection: BaseBackend, folder: Path, size: int) -> None:
    rater.reelgraph(folder, size)


STEPS: dict[str, Callable[[BaseBackend, Path, int], None]] = {
    "filter": _filter,
    "make_sequences": _make_sequences,
    "train_rater": _train_rater,
}


def _exponents(rows: list[Row]) -> dict[str, float | None]:
    by_step = {name: [row for row in rows if row["step"] == name] for name in {row["step"] for row in rows}}
    return {
        step: exponent(tuple(row["ratings"] for row in steps), [row["cpu_seconds"] for row in steps])
        for step, steps in by_step.items()
    }


if __name__ == "__main__":
    main()
