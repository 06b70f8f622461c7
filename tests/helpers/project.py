"""A copy of the project in a temporary folder, for tests that run commands as a user does."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

TINY = {
    "demo.users": 60, "demo.movies": 120, "demo.mean_ratings": 30, "demo.max_ratings": 60,
    "kg.fasttext_epochs": 1, "gnn.epochs": 2, "gnn.hidden_dim": 16, "gnn.out_dim": 16,
    "model.hidden_dim": 16, "train.epochs": 2, "gp.epochs": 1, "gp.head_epochs": 1, "embeddings.pairs": 100,
}  # fmt: skip
"""Params of a demo whose stages take no longer than their imports."""


class Project:
    """A git and DVC repository with the files of the working tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = self._output("git", "ls-files", "-co", "--exclude-standard", folder=ROOT)
        for name in listed.splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.run("git", "init", "-q")
        self.commit("working tree")

    @classmethod
    def open(cls, folder: Path) -> Project:
        """Return the project that is in a folder already."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    def clone(self, folder: Path, source: Path | None = None) -> Project:
        """Clone the project, or its git remote ``source``, without its data."""
        self.run("git", "clone", "-q", str(source or self.folder), str(folder))
        return Project.open(folder)

    def copy(self, folder: Path) -> Project:
        """Copy the project with its data and its history."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project.open(folder)

    def run(self, *command: str, fails: bool = False, **env: str) -> str:
        """Run a command in the project and check that it succeeds or fails; return both output streams."""
        process = self._run(*command, folder=self.folder, **env)
        output = process.stdout + process.stderr
        assert bool(process.returncode) == fails, output
        return output

    def make_command(self, target: str) -> list[str]:
        """Return the command of a make target that uses this environment, and never sets it up again."""
        environment = self.folder / ".venv"
        if not environment.is_symlink():
            environment.symlink_to(ROOT / ".venv")
            with (self.folder / ".git/info/exclude").open("a") as file:
                file.write("/.venv\n")
        return ["make", "--old-file", ".venv/.ready", "--old-file", ".venv/.ready-dev", target]

    def executed_stages(self, *command: str, **env: str) -> set[str]:
        """Run a command; return the stages that ran, by the timings that they write."""
        shutil.rmtree(self.folder / ".timings", ignore_errors=True)
        self.run(*command, **env)
        return {path.stem for path in (self.folder / ".timings").glob("*.json")}

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "-A")
        self.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)

    def set_params(self, **values: object) -> None:
        """Change params; ``__`` in a name stands for a dot."""
        self.update_params({key.replace("__", "."): value for key, value in values.items()})

    def update_params(self, values: dict[str, object], file: str = "params.yaml") -> None:
        """Change params by key path and keep the rest of the file."""
        from ruamel.yaml import YAML

        yaml, path = YAML(), self.folder / file
        content = yaml.load(path)
        for key, value in values.items():
            section, _, name = key.rpartition(".")
            (content[section] if section else content)[name] = value
        with path.open("w") as file:
            yaml.dump(content, file)

    def _output(self, *command: str, folder: Path) -> str:
        return self._run(*command, folder=folder).stdout

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start a command in a new process group, with stderr redirected to stdout."""
        return subprocess.Popen(
            command, cwd=self.folder, env=self._env(**env), start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        """Kill a started command with all that it started, and wait until none of them is left.

        DVC takes a process that is dead, but not yet forgotten by the system, for one that holds its lock.
        """
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        with contextlib.suppress(ProcessLookupError):
            for _ in range(600):
                os.killpg(process.pid, 0)
                time.sleep(0.1)
            raise AssertionError("a killed process is still there after a minute")

    def _run(self, *command: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=folder, env=self._env(**env), capture_output=True, text=True, check=False
        )

    def _env(self, **env: str) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "GIT_"))}
        identity = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
               "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org"}  # fmt: skip
        return {**inherited, **identity, "PATH": path, "DVC_NO_ANALYTICS": "1", **env}
