"""Imports: packages are layered, and no stage waits for a library that it does not use."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.helpers.import_graph import transitive_imports

SLOW_LIBRARIES = "torch", "torch_geometric", "transformers", "matplotlib"
"""Each takes between half a second and five seconds to import."""

LIGHT_STAGES = (
    "check_params", "ingest", "filter", "build_kg", "make_sequences", "baselines", "dataset_stats", "train_ranker",
)  # fmt: skip
"""Stages that need none of them."""

BASELINES = sorted(path.stem for path in Path("reelgraph/baselines").glob("[a-z]*.py"))

SCRIPT = """
import sys
from importlib import import_module
slow_libraries, modules = (words.split() for words in sys.argv[1:])
for module in modules:
    import_module(module)
    if imported := [name for name in slow_libraries if name in sys.modules]:
        sys.exit(f"{module} imports {', '.join(imported)}")
"""


def import_in_new_process(*modules: str) -> str:
    """Import the modules in a new process; return its complaint about a slow library, empty for none."""
    command = [sys.executable, "-c", SCRIPT, " ".join(SLOW_LIBRARIES), " ".join(modules)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


def test_light_stages_import_no_slow_library() -> None:
    stages = [f"stages.{name}" for name in LIGHT_STAGES]
    baselines = [f"reelgraph.baselines.{name}" for name in BASELINES]
    assert import_in_new_process(*stages, *baselines) == ""


def test_import_in_new_process_reports_a_slow_library() -> None:
    complaint = import_in_new_process("reelgraph.core.rating_scale", "reelgraph.runtime.plotting")
    assert complaint == "reelgraph.runtime.plotting imports matplotlib"


def test_only_table_stages_import_the_table_engine() -> None:
    engine = Path("reelgraph/core/table_engine.py")
    stages = {
        script.stem for script in Path("stages").glob("[a-z]*.py") if engine in transitive_imports(script)
    }
    assert stages == {"ingest", "filter", "make_sequences", "report"}  # report: titles of MovieLens


def test_import_contracts_are_kept() -> None:
    """The order of the packages that pyproject.toml states."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout


def test_slow_modules_exist() -> None:
    """A renamed module would move into the fast tier."""
    conftest = Path("tests/conftest.py").read_text(encoding="utf-8")
    names = re.findall(r'^    "([\w/]+\.py)",$', conftest, re.M)
    assert names
    assert [name for name in names if not Path("tests", name).is_file()] == []


def test_editable_install_is_found_beside_a_clone_named_like_the_package(tmp_path: Path) -> None:
    clone, site = tmp_path / "reelgraph", tmp_path / "site"
    (clone / "reelgraph").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "reelgraph/__init__.py"):
        shutil.copy(name, clone / name)
    build = f"from setuptools.build_meta import build_editable; build_editable({str(site)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=clone, check=True, capture_output=True)
    (wheel,) = site.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    program = f"import site; site.addsitedir({str(site)!r}); import reelgraph; print(reelgraph.load)"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert result.stdout.startswith("<function load"), result.stderr


def test_a_stage_without_its_packages_says_which_environment_to_use() -> None:
    command = [sys.executable, "-S", "-m", "stages.filter"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert re.fullmatch(
        r"stages: expected the packages of requirements\.lock, got \S+ without them\. Run `make repro`, "
        r"or `\. \.venv/bin/activate` before `dvc repro`\.\n",
        result.stderr,
    )
