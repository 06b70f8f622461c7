from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = "import time; from reelgraph.runtime.process_lock import exit_with_parent; exit_with_parent(); print('works'); time.sleep({})"


def stage(root: Path, owners: dict[str, int], seconds: float = 0) -> str:
    """Start a process as DVC does, with what DVC's lock file says; return what it said."""
    (root / ".dvc/tmp").mkdir(parents=True)
    write = {path: {"pid": pid, "cmd": "dvc repro"} for path, pid in owners.items()}
    (root / ".dvc/tmp/rwlock").write_text(json.dumps({"read": {}, "write": write}))
    env = {**os.environ, "DVC_STAGE": "filter", "DVC_ROOT": str(root)}
    command = [sys.executable, "-c", CODE.format(seconds)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout


def test_a_stage_of_a_living_dvc_works(tmp_path: Path) -> None:
    assert stage(tmp_path, {"a": os.getpid(), "b": 2**22 - 1}) == "works\n"


def test_a_stage_whose_dvc_is_gone_before_it_starts_does_not(tmp_path: Path) -> None:
    assert stage(tmp_path, {"a": 2**22 - 1}) == ""


def test_without_a_lock_file_it_works(tmp_path: Path) -> None:
    assert stage(tmp_path, {}) == "works\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_stage_ends_when_its_parent_does(tmp_path: Path) -> None:
    inner = [sys.executable, "-c", CODE.format(60)]
    outer = (
        "import subprocess, sys; child = subprocess.Popen("
        + repr(inner)
        + ", stdout=subprocess.PIPE, text=True);"
        "child.stdout.readline(); print(child.pid)"
    )
    env = {**os.environ, "DVC_STAGE": "filter", "DVC_ROOT": str(tmp_path)}
    pid = int(
        subprocess.run(
            [sys.executable, "-c", outer], env=env, capture_output=True, text=True, check=True
        ).stdout
    )
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("it goes on")
