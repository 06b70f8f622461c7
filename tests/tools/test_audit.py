from __future__ import annotations

import base64
import hashlib
import re
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import pytest

from tools import audit

LOCKS = sorted(Path().glob("requirements*.lock"))


def test_missing_hashes_none_in_the_lock_files() -> None:
    assert list(audit.missing_hashes()) == []
    assert audit.read_pins(LOCKS).keys() - audit.read_hashes().keys() == {"torch"}


def test_missing_hashes_reports_missing_and_outdated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requirements.lock").write_text("numpy==2.0\ntorch==2.13.0\n")
    Path("requirements.hashes").write_text("numpy==1.9 \\\n    --hash=sha256:ab\n")
    Path("requirements-x.lock").write_text("# Of X.\nOne.two==3\nthree==4 \\\n    --hash=sha256:cd\n")
    assert list(audit.missing_hashes()) == [
        "numpy: 2.0 in requirements.lock, 1.9 in requirements.hashes; run `make lock`",
        "one-two: pinned without a hash; run `make lock`",
    ]


def test_modified_files_none_in_unchanged_package() -> None:
    assert list(audit.modified_files(distribution("pluggy"))) == []


def test_modified_files_reports_changed_and_missing_file(tmp_path: Path) -> None:
    code, info = tmp_path / "x.py", tmp_path / "x-1.0.dist-info"
    code.write_text("print(1)\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(code.read_bytes()).digest()).rstrip(b"=").decode()
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        f"x.py,sha256={digest},9\ny.py,sha256={digest},9\nx-1.0.dist-info/RECORD,,\n"
    )
    assert list(audit.modified_files(PathDistribution(info))) == ["y.py is not as its wheel recorded it"]
    code.write_text("print(2)\n")
    assert len(list(audit.modified_files(PathDistribution(info)))) == 2
    messages = list(audit.compare_with_pins({"y": "2.0"}, {"x": PathDistribution(info)}))
    assert messages == ["x 1.0: in no lock file"]
    assert list(audit.compare_with_pins({"x": "2.0"}, {"x": PathDistribution(info)})) == [
        "x: 1.0 installed, 2.0 pinned"
    ]


def test_workflows_pin_actions_by_commit() -> None:
    workflows = list(Path(".github/workflows").glob("*.yml"))
    assert workflows
    for workflow in workflows:
        for action in re.findall(r"uses:\s*(\S+)", workflow.read_text()):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{workflow}: {action}"


@pytest.mark.parametrize(
    "word",
    ["pickle.load", "torch.load", "joblib.load", "allow_pickle=True", "read_pickle", "eval(", "yaml.unsafe"],
)
def test_project_neither_unpickles_nor_evaluates(word: str) -> None:
    for folder in ("reelgraph", "stages", "studies"):
        for module in Path(folder).rglob("*.py"):
            text = module.read_text(encoding="utf-8")
            matches = [line for line in text.splitlines() if re.search(rf"(?<![\w.]){re.escape(word)}", line)]
            assert matches == [], module
