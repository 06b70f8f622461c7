"""Coverage-guided fuzzing of each reader: ``python -m tests.fuzz --seconds 600 [TARGET …]``, with the extra ``fuzz``.

``--runs`` instead: as many inputs, the same each time. A find is written to tests/fuzz/finds/, which the tests
read from then on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FINDS = Path(__file__).parent / "finds"

INSTRUMENTED = ["reelgraph.sources", "reelgraph.core.schemas", "reelgraph.params", "reelgraph.graph", "reelgraph.runtime.atomic_io",
                "reelgraph.runtime.safetensors_io", "reelgraph.report", "reelgraph.app.rating_imports", "ruamel", "json", "csv"]  # fmt: skip
"""What the fuzzer is guided by."""

GRACE_SECONDS = 300
"""Time for imports and for the end of a process. libFuzzer's own timeout does not see a process that hangs as it ends."""


def fuzz_in_this_process(name: str, limit: list[str], corpus: str) -> None:
    """Fuzz a target; the process ends with it."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import SEEDS, TARGETS

    for number, seed in enumerate(SEEDS[name]):
        (Path(corpus) / str(number)).write_bytes(seed)
    FINDS.mkdir(exist_ok=True)
    options = [*limit, f"-artifact_prefix={FINDS}/{name}-", "-max_len=20000",
               "-print_final_stats=1", "-timeout=30", "-rss_limit_mb=4000"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, corpus], TARGETS[name])
    atheris.Fuzz()


def main() -> None:
    """Fuzz each target in a process, as many at a time as there are CPUs; print executions and finds."""
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument(
        "--runs", type=int, help="inputs for each target, drawn from seed 1, instead of seconds"
    )
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all by default")
    arguments = parser.parse_args()
    limit = [f"-max_total_time={arguments.seconds}"]
    seconds = arguments.seconds + GRACE_SECONDS
    if arguments.runs:
        limit = [f"-runs={arguments.runs}", "-seed=1"]
    names = arguments.targets or list(TARGETS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda name: fuzz_target(name, limit, seconds), names)
        failed = [name for name, succeeded in zip(names, results, strict=True) if not succeeded]
    sys.exit(f"finds, or no end, in {', '.join(failed)}" if failed else 0)


def fuzz_target(name: str, limit: list[str], seconds: float) -> bool:
    """Fuzz a target in a new process and print the result; return whether it ended in time, without a find."""
    before = set(FINDS.glob("*"))
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        command = [sys.executable, "-m", "tests.fuzz", "--one", name, str(corpus), *limit]
        environment = os.environ | {"TMPDIR": folder}
        try:
            process = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=seconds, env=environment
            )
        except subprocess.TimeoutExpired:
            print(f"{name}: no end in {seconds} s", flush=True)
            return False
    runs = [line.split()[-1] for line in process.stderr.splitlines() if "number_of_executed_units" in line]
    finds = sorted(path.name for path in set(FINDS.glob(f"{name}-*")) - before)
    print(f"{name}: {runs[0] if runs else '?'} executions, finds: {', '.join(finds) or 'none'}", flush=True)
    succeeded = bool(runs) and not finds and not process.returncode
    if not succeeded:
        print(f"exit code {process.returncode}\n{process.stderr[-3000:]}", flush=True)
    return succeeded


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz_in_this_process(sys.argv[2], sys.argv[4:], sys.argv[3])
    else:
        main()
