"""Kill stages at random moments: ``python -m tests.pipeline.crashes [KILLS [SEED [STAGE …]]]``.

After each kill, the next ``dvc repro`` must write the bytes of an undisturbed run.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from dvc.repo import Repo
from ruamel.yaml import YAML

from tests.helpers.project import TINY, Project
from tools.prepare_repro import is_complete

METHODS = ("script", "dvc and script", "dvc")
"""Which processes are killed; with ``script`` it runs without DVC."""

DEMO = {**TINY, "demo.users": 40, "demo.movies": 80, "gp.epochs": 8, "gp.head_epochs": 4, "gnn.epochs": 40,
        "evaluate.ranking_users": 5, "compute.threads": 1}  # fmt: skip
"""Trains long enough to be killed during training."""

ORPHAN_TIMEOUT = 20.0
"""Seconds in which a stage must notice that its DVC was killed, also on a busy machine."""


def commands(project: Project) -> dict[str, str]:
    """Return the command of each stage of the root dvc.yaml."""
    stages = Repo(str(project.folder)).index.stages
    dvc_file = (project.folder / "dvc.yaml").resolve()
    return {
        stage.addressing.rpartition(":")[2]: stage.cmd
        for stage in stages
        if Path(stage.path).resolve() == dvc_file
    }


def kill_stage(project: Project, stage: str, method: str, after: float) -> bool:
    """Start a stage and kill it after some seconds; return whether it was still running."""
    command = ["dvc", "repro", "-f", "-s", stage]
    if method == "script":
        command = commands(project)[stage].split()
    process = project.start(*command)
    time.sleep(after)
    running = process.poll() is None
    if running:
        children = psutil.Process(process.pid).children(recursive=True)
        if method == "dvc":
            os.kill(process.pid, signal.SIGKILL)
            orphans = [child for child in children if "stages" in " ".join(_command(child))]
            assert not psutil.wait_procs(orphans, timeout=ORPHAN_TIMEOUT)[1], "an orphan keeps running"
        else:
            project.kill(process)
            return True
    process.communicate()
    return running


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def rerun_and_compare(project: Project, expected: dict[str, str]) -> bool:
    """Run the pipeline again without DVC's run cache and compare its files with the expected ones.

    Returns:
        Whether DVC had been killed while it wrote dvc.lock, so that the committed one was checked out.
    """
    clear_run_cache(project)
    lock_was_cut = restore_lock(project)
    project.run("dvc", "repro")
    digests = output_digests(project)
    differing = sorted(key for key in {*digests, *expected} if digests.get(key) != expected.get(key))
    assert differing == []
    return lock_was_cut


def restore_lock(project: Project) -> bool:
    """Check out the committed dvc.lock if DVC was killed while it wrote the file; return whether it was."""
    cut = not is_complete((project.folder / "dvc.lock").read_text(encoding="utf-8"))
    if cut:
        project.run("git", "checkout", "--", "dvc.lock")
    return cut


def clear_run_cache(project: Project) -> None:
    """Make DVC run a stage again instead of restoring its earlier outputs."""
    shutil.rmtree(project.folder / ".dvc/cache/runs", ignore_errors=True)


def output_digests(project: Project) -> dict[str, str]:
    """Return the SHA-256 of each output file and of each stage's entry in dvc.lock."""
    paths = [
        path
        for name in ("data", "metrics", "plots", "reports")
        for path in (project.folder / name).rglob("*")
    ]
    files = {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in paths
        if path.is_file() and ".partial" not in str(path) and path.name != ".gitignore"
    }
    # The order does not count: DVC appends a stage that is new in the file.
    stages = YAML(typ="safe").load(project.folder / "dvc.lock")["stages"]
    files |= {f"dvc.lock {name}": json.dumps(stage).encode() for name, stage in stages.items()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def main() -> None:
    """Kill every stage with every method and print how many kills hit a running stage."""
    kills, seed = (int(sys.argv[i]) if len(sys.argv) > i else i for i in (1, 2))
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="crashes-") as folder:
        project = Project(Path(folder))
        project.update_params(DEMO)
        start = time.monotonic()
        project.run("dvc", "repro")
        project.commit("the demo")
        print(f"undisturbed: {time.monotonic() - start:.0f} s", flush=True)
        expected = output_digests(project)
        for stage in sys.argv[3:] or commands(project):
            _kill_repeatedly(project, stage, kills, rng, expected)


def _kill_repeatedly(
    project: Project, stage: str, kills: int, rng: random.Random, expected: dict[str, str]
) -> None:
    kills_while_running = Counter[str]()
    restored_locks = 0
    for method in METHODS:
        for _ in range(kills):
            start = time.monotonic()
            project.run("dvc", "repro", "-f", "-s", stage)
            # This includes what DVC does before and after the script. It varies on a busy machine.
            seconds = time.monotonic() - start
            kills_while_running[method] += kill_stage(project, stage, method, rng.uniform(0, seconds))
            restored_locks += rerun_and_compare(project, expected)
    counts = ", ".join(f"{method} {kills_while_running[method]} of {kills}" for method in METHODS)
    print(
        f"{stage}: {seconds:.1f} s; killed while running: {counts}; dvc.lock restored: {restored_locks}",
        flush=True,
    )


if __name__ == "__main__":
    main()
