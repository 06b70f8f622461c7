from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.rwlock import rwlock

from tools.prepare_repro import describe_missing_data, is_complete, remove_cut_rwlock, repair_lock

TEXT = Path("dvc.lock").read_text(encoding="utf-8")
SHORT = TEXT[: TEXT.index("\n  filter:") + 1]


@pytest.mark.parametrize("text", ["", "schema: '2.0'\nsta", TEXT[: TEXT.rindex("- path:") + len("- path:")]])
def test_is_complete_rejects_a_cut_file(text: str) -> None:
    assert is_complete(TEXT)
    assert not is_complete(text)


def git(*command: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *command], check=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    return tmp_path


def test_repair_lock_takes_the_committed_file(folder: Path) -> None:
    (folder / "dvc.lock").write_text(SHORT, encoding="utf-8")
    assert repair_lock() == ""
    git("add", "dvc.lock")
    git("commit", "-qm", "lock")
    (folder / "dvc.lock").write_text(SHORT[: SHORT.rindex("- path:") + 7], encoding="utf-8")
    assert "killed while DVC wrote dvc.lock" in repair_lock()
    assert (folder / "dvc.lock").read_text(encoding="utf-8") == SHORT


def test_repair_lock_removes_a_file_that_was_never_committed(folder: Path) -> None:
    (folder / "dvc.lock").touch()
    assert "The file was removed." in repair_lock()
    assert not (folder / "dvc.lock").exists()


@pytest.mark.parametrize("content", ["", '{"write": {"/data": {"pi', '{"read": {}, "write": {}}'])
def test_remove_cut_rwlock_lets_dvc_run_again(folder: Path, content: str) -> None:
    (folder / ".dvc/tmp").mkdir(parents=True)
    path = folder / ".dvc/tmp/rwlock"
    path.write_text(content, encoding="utf-8")
    with Repo() as repo:
        with repo.lock:
            remove_cut_rwlock(repo)
        assert path.exists() == content.endswith("}}")
        with rwlock(repo.tmp_dir, repo.fs, "repro", [], ["/data"], False):
            assert "/data" in path.read_text(encoding="utf-8")


def test_describe_missing_data_names_the_remote(folder: Path) -> None:
    (folder / ".dvc").mkdir()
    (folder / "dvc.lock").write_text(SHORT, encoding="utf-8")
    with Repo() as repo:
        message = describe_missing_data(repo)
    assert message.endswith("rebuilds data/, since no DVC remote is set.")
    remote = f"[core]\n    remote = team\n['remote \"team\"']\n    url = {folder}\n"
    (folder / ".dvc/config").write_text(remote, encoding="utf-8")
    with Repo() as repo:
        message = describe_missing_data(repo)
    assert "To get the data from the remote team instead, stop and run `dvc pull`." in message
    cached = folder / ".dvc/cache/files/md5/ab/cdef"
    cached.parent.mkdir(parents=True)
    cached.touch()
    with Repo() as repo:
        assert describe_missing_data(repo) == ""
