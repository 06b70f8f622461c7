"""Coverage-guided fuzzing of each reader: ``python -m tests.fuzz [SECONDS [TARGET …]]``, with the extra ``fuzz``.

A find is written to tests/fuzz/finds/, which the tests read from then on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

FINDS = Path(__file__).parent / "finds"

INSTRUMENTED = ["reelgraph.sources", "reelgraph.schemas", "reelgraph.params", "reelgraph.graph", "reelgraph.files",
                "reelgraph.tensors", "reelgraph.report", "ruamel", "json", "csv"]  # fmt: skip
"""What the fuzzer is guided by."""


def one(name: str, seconds: int, corpus: str) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import SEEDS, TARGETS

    for number, seed in enumerate(SEEDS[name]):
        (Path(corpus) / str(number)).write_bytes(seed)
    FINDS.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={FINDS}/{name}-", "-max_len=20000",
               "-print_final_stats=1", "-timeout=30", "-rss_limit_mb=4000"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, corpus], TARGETS[name])
    atheris.Fuzz()


def main() -> None:
    """Fuzz targets one after another, each in a process; print executions and finds."""
    from tests.fuzz.targets import TARGETS

    seconds, names = int(sys.argv[1]) if len(sys.argv) > 1 else 600, sys.argv[2:] or list(TARGETS)
    before = set(FINDS.glob("*"))
    for name in names:
        with tempfile.TemporaryDirectory() as corpus:
            command = [sys.executable, "-m", "tests.fuzz", "--one", name, str(seconds), corpus]
            said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        runs = [line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line]
        finds = sorted(path.name for path in set(FINDS.glob(f"{name}-*")) - before)
        print(
            f"{name}: {runs[0] if runs else '?'} executions, finds: {', '.join(finds) or 'none'}", flush=True
        )
        if finds or not runs:
            print(said[-3000:])
    sys.exit(bool(set(FINDS.glob("*")) - before))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
