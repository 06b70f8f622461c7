"""A short selection of the crashes; ``python -m tests.pipeline.crashes`` has all stages, often."""

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

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("unchanged")]


@pytest.mark.parametrize(
    ("stage", "way"),
    [
        ("bert_encode", "the script alone"),
        ("train_gnn@kg_gnn_bert", "dvc and its script"),
        ("train_rater", "dvc alone"),
    ],
)
def test_the_next_run_makes_the_same_bytes(project: Project, stage: str, way: str) -> None:
    expected = output_digests(project)
    kill_stage(project, stage, way, random.Random(stage).uniform(3, 6))
    rerun_and_compare(project, expected)


def test_killed_while_it_wrote_its_lock_file(project: Project) -> None:
    expected, lock = output_digests(project), project.folder / "dvc.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text[: text.rindex("- path:") + len("- path:")], encoding="utf-8")
    assert "validation failed" in project.run("dvc", "repro", fails=True)
    assert rerun_and_compare(project, expected)


def test_a_second_run_of_a_stage_waits_for_the_first(project: Project) -> None:
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


def learning(project: Project) -> Path:
    """Wait until the rater's state is on disk."""
    for _ in range(600):
        if found := list((project.folder / ".checkpoints/train_rater").rglob("process.safetensors")):
            return found[0]
        time.sleep(0.1)
    raise AssertionError("it doesn't learn")


def test_ctrl_c_says_how_to_go_on_and_two_runs_at_once_are_refused(project: Project) -> None:
    project.set_params(gp__epochs=1000)
    process = project.start("dvc", "repro", "-s", "train_rater")
    learning(project)
    said = project.run("dvc", "repro", "-s", "train_rater", fails=True)
    assert "it is being blocked by" in said or "Unable to acquire lock" in said, said
    assert f"{process.pid}" in said or "Another DVC process" in said, said
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode
    assert "train_rater: stopped. `dvc repro` continues where this stage stopped." in said, said
    assert learning(project).is_file()


def test_ctrl_c_while_a_stage_is_being_imported(project: Project) -> None:
    process = project.start("python", "-m", "stages.train_rater")
    while not any("torch" in Path(file.path).parts for file in psutil.Process(process.pid).memory_maps()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == "train_rater: stopped. `dvc repro` continues with this stage.\n"
    assert process.returncode == 130
