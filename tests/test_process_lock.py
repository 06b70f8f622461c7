from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelgraph.runtime.process_lock import CHECKPOINT_ROOT, stage_lock

SCRIPT = """
import os, time
from reelgraph.runtime.process_lock import exit_with_parent
exit_with_parent()
print(os.getpid(), flush=True)
time.sleep({seconds})
"""

LOCK_SCRIPT = """
import sys, time
from reelgraph.runtime.process_lock import stage_lock
with stage_lock("filter"):
    print("locked", flush=True)
    time.sleep({seconds})
"""


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "zombie" not in status.read_text()


def test_exit_with_parent_keeps_a_process_whose_parent_lives() -> None:
    command = [sys.executable, "-c", SCRIPT.format(seconds=0.5)]
    env = {**os.environ, "DVC_STAGE": "filter"}
    assert subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("env", "ends"), [({"DVC_STAGE": "filter"}, True), ({}, False)])
def test_exit_with_parent_ends_the_process_only_under_dvc(env: dict[str, str], ends: bool) -> None:
    child = [sys.executable, "-c", SCRIPT.format(seconds=5)]
    parent = (
        "import subprocess; "
        f"child = subprocess.Popen({child!r}, stdout=subprocess.PIPE, "
        "stderr=subprocess.DEVNULL, text=True); "
        "print(child.stdout.readline())"
    )
    finished = subprocess.run(
        [sys.executable, "-c", parent], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    pid = int(finished.stdout)
    deadline = time.monotonic() + (30 if ends else 1.5)
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert is_running(pid) is not ends


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of stage filter."""
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-c", LOCK_SCRIPT.format(seconds=60)]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.communicate()


def test_stage_lock_waits_until_the_holder_is_killed(
    holder: subprocess.Popen[str],
) -> None:
    command = [sys.executable, "-c", LOCK_SCRIPT.format(seconds=0)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    waiter = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiter.stderr
    message = waiter.stderr.readline()
    assert message.startswith(
        f"filter: process {holder.pid} of another run is working on this stage; waiting"
    )
    holder.kill()
    assert waiter.communicate(timeout=30)[0] == "locked\n"
    assert waiter.returncode == 0


def test_stage_lock_of_another_stage_is_free(holder: subprocess.Popen[str]) -> None:
    with stage_lock("ingest"):
        assert (CHECKPOINT_ROOT / "ingest.pid").read_text() == f"{os.getpid()}\n"
