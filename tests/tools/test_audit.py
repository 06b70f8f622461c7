from __future__ import annotations

import base64
import hashlib
import re
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import pytest

from tools import audit

LOCKS = sorted(Path().glob("requirements*.lock"))


def test_hashes_are_those_of_the_pinned_versions() -> None:
    assert list(audit.missing_hashes()) == []
    assert audit.read_pins(LOCKS).keys() - audit.read_hashes().keys() == {"torch"}


def test_a_pin_without_a_hash_and_one_of_another_version_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requirements.lock").write_text("numpy==2.0\ntorch==2.13.0\n")
    Path("requirements.hashes").write_text("numpy==1.9 \\\n    --hash=sha256:ab\n")
    Path("requirements-x.lock").write_text("# Of X.\nOne.two==3\nthree==4 \\\n    --hash=sha256:cd\n")
    assert list(audit.missing_hashes()) == [
        "numpy: 2.0 in requirements.lock, 1.9 in requirements.hashes; run `make hashes`",
        "one-two: pinned without a hash; run `make hashes`",
    ]


def test_the_bill_has_every_pin_with_its_hashes() -> None:
    pinned, known = audit.read_pins(LOCKS), audit.read_hashes()
    components = audit.bill(pinned, known)["components"]
    assert {each["name"]: each["version"] for each in components} == pinned
    (numpy,) = (each for each in components if each["name"] == "numpy")
    assert len(numpy["externalReferences"][0]["hashes"]) == len(known["numpy"]) > 10


def test_a_package_that_is_as_its_wheel_recorded_it() -> None:
    assert list(audit.modified_files(distribution("pluggy"))) == []


def test_a_changed_and_a_missing_file_are_told(tmp_path: Path) -> None:
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
    told = list(audit.compare_with_pins({"y": "2.0"}, {"x": PathDistribution(info)}))
    assert told == ["x 1.0: in no lock file"]
    assert list(audit.compare_with_pins({"x": "2.0"}, {"x": PathDistribution(info)})) == [
        "x: 1.0 installed, 2.0 pinned"
    ]


def test_actions_are_pinned_by_commit() -> None:
    workflows = list(Path(".github/workflows").glob("*.yml"))
    assert workflows
    for workflow in workflows:
        for action in re.findall(r"uses:\s*(\S+)", workflow.read_text()):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{workflow}: {action}"


@pytest.mark.parametrize(
    "word",
    ["pickle.load", "torch.load", "joblib.load", "allow_pickle=True", "read_pickle", "eval(", "yaml.unsafe"],
)
def test_nothing_in_the_project_loads_a_pickle_or_evaluates(word: str) -> None:
    for folder in ("reelgraph", "stages", "studies"):
        for module in Path(folder).rglob("*.py"):
            text = module.read_text(encoding="utf-8")
            found = [line for line in text.splitlines() if re.search(rf"(?<![\w.]){re.escape(word)}", line)]
            assert found == [], module
