"""A few kills and interrupts; ``python -m tests.pipeline.crashes`` kills every stage many times."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from tests.helpers.project import Project
from tests.pipeline.crashes import kill_stage, output_digests, rerun_and_compare
from tools.prepare_repro import is_complete

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("unchanged")]


@pytest.mark.parametrize(
    ("stage", "method"),
    [
        ("bert_encode", "script"),
        ("train_gnn", "dvc and script"),
        ("train_rater", "dvc"),
    ],
)
def test_repro_after_a_kill_writes_the_same_bytes(project: Project, stage: str, method: str) -> None:
    expected = output_digests(project)
    kill_stage(project, stage, method, random.Random(stage).uniform(3, 6))
    rerun_and_compare(project, expected)


def test_repro_after_a_cut_lock_file(project: Project) -> None:
    expected = output_digests(project)
    lock = project.folder / "dvc.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text[: text.rindex("- path:") + len("- path:")], encoding="utf-8")
    assert "validation failed" in project.run("dvc", "repro", fails=True)
    assert rerun_and_compare(project, expected)


def test_make_repro_survives_kills_and_a_second_make_repro(project: Project) -> None:
    """Each time one of two is killed, dvc.lock is complete after the next. REELGRAPH_KILLS sets how often."""
    make_repro = project.make_command("repro")
    rng = random.Random(0)
    for number in range(int(os.environ.get("REELGRAPH_KILLS", "1"))):
        project.set_params(evaluate__examples=20 + number)
        first = project.start(*make_repro)
        time.sleep(rng.uniform(1, 10))
        second = project.start(*make_repro)
        time.sleep(rng.uniform(0, 5))
        project.kill(first)
        second.communicate()
        project.run(*make_repro)
        assert is_complete((project.folder / "dvc.lock").read_text(encoding="utf-8"))
        assert project.run("dvc", "status", "dvc.yaml").strip() == "Data and pipelines are up to date."


def test_run_stage_waits_for_another_process_of_the_stage(project: Project) -> None:
    expected = output_digests(project)
    checkpoints = project.folder / ".checkpoints"
    checkpoints.mkdir(exist_ok=True)
    with FileLock(checkpoints / "filter.lock"):
        (checkpoints / "filter.pid").write_text("4711\n")
        process = project.start("python", "-m", "stages.filter")
        assert process.stdout
        first = process.stdout.readline()
    assert first.startswith("filter: process 4711 of another run is working on this stage; waiting")
    assert process.communicate()[0].startswith("filter: ")
    assert process.returncode == 0
    assert output_digests(project) == expected


def wait_for_checkpoint(project: Project) -> Path:
    """Wait until a checkpoint of the rater is on disk."""
    for _ in range(600):
        if checkpoints := list(
            (project.folder / ".checkpoints/train_rater").glob("*/*/gaussian_process.safetensors")
        ):
            return checkpoints[0]
        time.sleep(0.1)
    raise AssertionError("no checkpoint within a minute")


def test_ctrl_c_prints_how_to_continue_and_a_second_repro_is_refused(project: Project) -> None:
    project.set_params(gp__epochs=1000)
    process = project.start("dvc", "repro", "-s", "train_rater")
    wait_for_checkpoint(project)
    output = project.run("dvc", "repro", "-s", "train_rater", fails=True)
    assert "it is being blocked by" in output or "Unable to acquire lock" in output, output
    assert f"{process.pid}" in output or "Another DVC process" in output, output
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate()[0]
    assert process.returncode
    assert "train_rater: stopped. The same command continues where this stage stopped." in output, output
    assert wait_for_checkpoint(project).is_file()


def test_ctrl_c_during_the_imports_of_a_stage(project: Project) -> None:
    process = project.start("python", "-m", "stages.train_rater")
    while not any("torch" in Path(file.path).parts for file in psutil.Process(process.pid).memory_maps()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == "train_rater: stopped. `dvc repro` continues with this stage.\n"
    assert process.returncode == 130
