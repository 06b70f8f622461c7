"""Stages killed at random moments: ``python -m tests.pipeline.crashes [KILLS A STAGE AND WAY [SEED [STAGE …]]]``.

After each kill, the next ``dvc repro`` must leave the bytes of a run that nobody disturbed.
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
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML, YAMLError
from voluptuous import Invalid

from tests.helpers.project import TINY, Project

WAYS = ("the script alone", "dvc and its script", "dvc alone")

DEMO = {**TINY, "demo.users": 40, "demo.movies": 80, "gp.epochs": 8, "gp.head_epochs": 4, "gnn.epochs": 40,
        "evaluate.ranking_users": 5, "compute.threads": 1}  # fmt: skip
"""Learns long enough to be killed while it learns."""

GONE_WITHIN = 20.0
"""Seconds in which a stage must notice that its DVC has gone, on a machine however busy."""


def commands(project: Project) -> dict[str, str]:
    """Return each stage of the pipeline and what it runs."""
    stages = Repo(str(project.folder)).index.stages
    own = (project.folder / "dvc.yaml").resolve()
    return {
        stage.addressing.rpartition(":")[2]: stage.cmd
        for stage in stages
        if Path(stage.path).resolve() == own
    }


def kill_stage(project: Project, stage: str, way: str, after: float) -> bool:
    """Start a stage, kill it after some seconds; tell whether it was still at work."""
    alone = way == "the script alone"
    command = commands(project)[stage].split() if alone else ["dvc", "repro", "-f", "-s", stage]
    process = project.start(*command)
    time.sleep(after)
    running = process.poll() is None
    if running:
        children = psutil.Process(process.pid).children(recursive=True)
        if way == "dvc alone":
            os.kill(process.pid, signal.SIGKILL)
            orphans = [child for child in children if "stages" in " ".join(_command(child))]
            assert not psutil.wait_procs(orphans, timeout=GONE_WITHIN)[1], "an orphan goes on"
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return running


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def rerun_and_compare(project: Project, expected: dict[str, str]) -> bool:
    """Run the pipeline again, without DVC's memory of runs; its files must be the expected ones.

    Returns:
        Whether DVC had been killed while it wrote dvc.lock, so that the committed one was checked out.
    """
    forget_runs(project)
    was_cut = restore_lock(project)
    project.run("dvc", "repro")
    found = output_digests(project)
    assert found == expected, sorted(k for k in {*found, *expected} if found.get(k) != expected.get(k))
    return was_cut


def restore_lock(project: Project) -> bool:
    """Check out the committed dvc.lock if DVC was killed while it wrote the file; return whether it was."""
    lock = project.folder / "dvc.lock"
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(lock))
    except (YAMLError, Invalid):
        project.run("git", "checkout", "--", "dvc.lock")
        return True
    return False


def forget_runs(project: Project) -> None:
    """Let DVC run a stage again instead of fetching what it once made."""
    shutil.rmtree(project.folder / ".dvc/cache/runs", ignore_errors=True)


def output_digests(project: Project) -> dict[str, str]:
    """Digest everything that the stages make, and what the lock file says of each stage."""
    places = [path for name in ("data", "metrics", "plots") for path in (project.folder / name).rglob("*")]
    files = {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in places
        if path.is_file() and ".partial" not in str(path) and path.name != ".gitignore"
    }
    # Not in which order: DVC adds a stage that is new in the file at its end.
    stages = YAML(typ="safe").load(project.folder / "dvc.lock")["stages"]
    files |= {f"dvc.lock {name}": json.dumps(stage).encode() for name, stage in stages.items()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def main() -> None:
    """Kill every stage in every way, some times; count what was survived."""
    kills, seed = (int(sys.argv[i]) if len(sys.argv) > i else i for i in (1, 2))
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="crashes-") as folder:
        project = Project(Path(folder))
        project.update_params(DEMO)
        start = time.monotonic()
        project.run("dvc", "repro")
        project.commit("the demo")
        print(f"undisturbed: {time.monotonic() - start:.0f} s", flush=True)
        expected = output_digests(project)
        for stage in sys.argv[3:] or commands(project):
            _kill_often(project, stage, kills, draw, expected)


def _kill_often(
    project: Project, stage: str, kills: int, draw: random.Random, expected: dict[str, str]
) -> None:
    survived, restored = Counter[str](), 0
    for way in WAYS:
        for _ in range(kills):
            start = time.monotonic()
            project.run("dvc", "repro", "-f", "-s", stage)
            # What DVC does before and after the script is part of it. On a busy machine no two runs are alike.
            seconds = time.monotonic() - start
            was_running = kill_stage(project, stage, way, draw.uniform(0, seconds))
            restored += rerun_and_compare(project, expected)
            survived[way] += was_running
    told = ", ".join(f"{way} {survived[way]} of {kills}" for way in WAYS)
    print(
        f"{stage}: {seconds:.1f} s; killed at work and survived: {told}; dvc.lock restored: {restored}",
        flush=True,
    )


if __name__ == "__main__":
    main()
