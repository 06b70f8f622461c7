"""The site is built without warnings and has every param; the notebook runs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.helpers import bundle_samples
from tools.param_table import param_tables

ROOT = Path(__file__).parents[2]


def needs(*packages: str) -> None:
    if any(importlib.util.find_spec(name) is None for name in packages):
        pytest.skip("the docs need the packages of requirements-docs.lock")


def test_the_site_is_built_without_warnings_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    needs("mkdocs", "material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    process = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "WARNING" not in process.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 12
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text
        assert 'rel="stylesheet" href="http' not in text
        assert "--8&lt;--" not in text
        assert "<!-- params -->" not in text


def test_param_tables_describe_every_param() -> None:
    text = param_tables(ROOT / "params.yaml")
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    for section, content in values.items():
        assert f"## {section}\n" in text
        for key, value in content.items() if isinstance(content, dict) else []:
            row = next((line for line in text.splitlines() if line.startswith(f"| `{key}` |")), "")
            assert row or f"### {key}\n" in text
            assert isinstance(value, dict) or len(row.split(" | ")[2]) > 5, key


def test_the_notebook_runs(tmp_path: Path) -> None:
    needs("nbclient", "nbformat", "ipykernel")
    code = ("import nbclient, nbformat, sys; book = nbformat.read(sys.argv[1], 4); nbclient.NotebookClient(book).execute(); "
            "print([o.get('text', '') for c in book.cells for o in c.get('outputs', [])])")  # fmt: skip
    bundle_samples.write_sample_bundle(tmp_path)
    env = os.environ | {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / "ipython")}
    process = subprocess.run([sys.executable, "-c", code, str(ROOT / "docs/bundle.ipynb")], cwd=tmp_path, env=env,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert process.returncode == 0, process.stderr[-3000:]
    assert "rated" in process.stdout
