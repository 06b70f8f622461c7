from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tools import repair_lock

LOCK = """schema: '2.0'
stages:
  ingest:
    cmd: python -m stages.ingest
    params:
      params.yaml:
        demo.users: 600
    outs:
    - path: data/catalog.parquet
      hash: md5
      md5: 900150983cd24fb0d6963f7d28e17f72
      size: 3
  links@Amélie:
    cmd: python -m stages.evaluate_links
    deps:
    - path: data/catalog.parquet
      md5: 900150983cd24fb0d6963f7d28e17f72
"""


@given(st.integers(0, len(LOCK)))
def test_what_is_kept_of_any_first_part_is_whole(end: int) -> None:
    kept = repair_lock.mended(LOCK[:end])
    assert repair_lock.whole(kept)
    assert LOCK[:end].startswith(kept)
    if "  links@" in LOCK[:end]:
        whole = YAML(typ="safe").load(LOCK)["stages"]["ingest"]
        assert YAML(typ="safe").load(kept)["stages"]["ingest"] == whole


def test_a_whole_file_stays_and_a_cut_one_is_mended(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, study = Path("dvc.lock"), Path("studies/external_baselines/dvc.lock")
    study.parent.mkdir(parents=True)
    path.write_text(LOCK, encoding="utf-8")
    repair_lock.main()
    assert (path.read_text(encoding="utf-8"), capsys.readouterr().out) == (LOCK, "")
    path.write_text(LOCK[: LOCK.rindex("path:") + len("path:")], encoding="utf-8")
    study.write_bytes(b"")
    repair_lock.main()
    assert path.read_text(encoding="utf-8") == LOCK[: LOCK.index("  links")]
    assert not study.exists()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "dvc.lock: cut off in the midst of writing; of its stages, these were whole: ingest"
    assert second.endswith("these were whole: none")


@pytest.mark.parametrize("before", ["  links@Am", "    cmd: python -m stages.evaluate_links Am"])
def test_a_cut_through_a_letter(before: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = LOCK[: LOCK.index("  links")] + ("  links@x:\n" if "cmd" in before else "")
    Path("dvc.lock").write_bytes((first + before).encode() + "é".encode()[:1])
    repair_lock.main()
    kept = Path("dvc.lock").read_text(encoding="utf-8")
    assert repair_lock.whole(kept)
    assert kept == (first + before if "cmd" in before else first)
