from __future__ import annotations

from pathlib import Path

import pytest

from tools import lock

FAKE_UV = """#!/usr/bin/env python3
import sys
from pathlib import Path
options = sys.argv[1:]
pins = {"torch": "torch==2.13.0+cpu", "numpy": "numpy==2.0"}
if "--extra=spark" in options:
    pins["pyspark"] = "pyspark==4.1"
text = ""
for name, pin in pins.items():
    if f"--no-emit-package={name}" not in options:
        text += pin + (" \\\\\\n    --hash=sha256:ab" if "--generate-hashes" in options else "") + "\\n"
Path(options[options.index("--output-file") + 1]).write_text(text)
"""
"""Replaces uv: it pins torch, numpy, and for extra spark pyspark."""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('dependencies = ["torch==2.13.0"]\n')
    program = tmp_path / "uv"
    program.write_text(FAKE_UV)
    program.chmod(0o755)
    return str(program)


def pins(name: str) -> list[str]:
    return Path(name).read_text().splitlines()[1:]


def test_main_writes_all_lock_files(uv: str) -> None:
    lock.main(uv)
    assert pins("requirements.lock") == ["torch==2.13.0", "numpy==2.0"]
    assert pins("requirements.hashes") == ["numpy==2.0 \\", "    --hash=sha256:ab"]
    assert pins("requirements-spark.lock") == ["pyspark==4.1 \\", "    --hash=sha256:ab"]
    assert pins("requirements-docs.lock") == []
    assert {path.name for path in Path().glob("requirements-*")} == set(lock.EXTRA_LOCKS)


def test_torch_requirement_of_the_project() -> None:
    assert lock.torch_requirement().startswith("torch==")


def test_extra_locks_exist() -> None:
    assert {path.name for path in Path().glob("requirements-*.lock")} == set(lock.EXTRA_LOCKS)
