"""Each stage lists the package folders that its script imports and the params that it reads."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reelgraph.params.base import SECTIONS, STUDY_SECTIONS, StageParams
from tests.helpers.import_graph import module_path, transitive_imports

NEVER_LISTED = Path("reelgraph/runtime"), Path("reelgraph/params")
"""Packages that no stage depends on: they cannot change a result, or DVC tracks their values."""

REGISTRIES = {
    "reelgraph/raters/registry.py": "reelgraph/raters/**/[a-z]*.py",
    "reelgraph/baselines/registry.py": "reelgraph/baselines/**/[a-z]*.py",
    "reelgraph/rankers/registry.py": "reelgraph/rankers/[a-z]*.py",
    "reelgraph/sources/source.py": "reelgraph/sources/**/[a-z]*.py",
}
"""Registries that import modules by name, and the modules."""


STAGES = {
    str(body["cmd"]).split()[2]: body for body in YAML(typ="safe").load(Path("dvc.yaml"))["stages"].values()
}
"""Stage body by script module."""
STUDIES = [f"studies.{path.parent.name}.run" for path in sorted(Path("studies").glob("*/run.py"))]
"""Script modules of the studies."""


def code_dependencies(body: dict) -> list[str]:
    """Return the paths of code in a stage's deps."""
    deps = [str(dep) for dep in body["deps"]]
    return [dep for dep in deps if dep.startswith(("reelgraph/", "stages/"))]


def imported_modules(*scripts: Path) -> set[Path]:
    """Return the modules that the scripts import, through the package and its registries."""
    modules = set().union(*(transitive_imports(script) for script in scripts))
    registered = [pattern for registry, pattern in REGISTRIES.items() if Path(registry) in modules]
    by_name = [module for pattern in registered for module in Path().glob(pattern)]
    return modules.union(*(transitive_imports(module) for module in by_name))


def is_within(module: Path, dependency: str) -> bool:
    """Whether a module is a listed file or lies in a listed folder; ``${key}`` stands for any name."""
    return any(
        parent.match(dependency.replace("${key}", "*"))
        for parent in (module, *module.parents)
        if parent.parts
    )


def params_model(script: str) -> type[StageParams]:
    """Return the params model that a script passes to ``run_stage`` or ``run_study``."""
    tree = ast.parse(module_path(script).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    runs = [
        call
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) in ("run_stage", "run_study")
    ]
    return getattr(import_module(script), runs[-1].args[1].id)


def param_sections(params: list[str]) -> set[str]:
    """Return the sections that a stage's ``params`` name."""
    return {key.split(".")[0] for key in params}


def test_transitive_imports_follows_the_package() -> None:
    imports = {str(path) for path in transitive_imports(Path("stages/train_gnn.py"))}
    assert {"reelgraph/gnn/sage.py", "reelgraph/core/seeds.py", "reelgraph/runtime/errors.py"} <= imports
    assert "reelgraph/text/encoder.py" not in imports


@pytest.mark.parametrize("script", STAGES)
def test_imports_of_a_stage_are_in_listed_folders(script: str) -> None:
    listed = code_dependencies(STAGES[script])
    unlisted = {
        str(module)
        for module in imported_modules(module_path(script))
        if not any(module.is_relative_to(folder) for folder in NEVER_LISTED)
        and not any(is_within(module, dep) for dep in listed)
    }
    assert unlisted == set()


@pytest.mark.parametrize("script", STAGES)
def test_listed_folders_of_a_stage_are_imported(script: str) -> None:
    words = str(STAGES[script]["cmd"]).split()[2:]
    modules = [path for word in words if (path := module_path(word)).is_file()]
    imports = imported_modules(*modules)
    unused = [
        dep
        for dep in code_dependencies(STAGES[script])
        if "${key}" not in dep and not any(is_within(module, dep) for module in imports)
    ]
    assert unused == []


@pytest.mark.parametrize("script", STAGES)
def test_no_stage_lists_runtime_or_params(script: str) -> None:
    deps = [Path(dep) for dep in code_dependencies(STAGES[script])]
    assert [dep for dep in deps for folder in NEVER_LISTED if dep.is_relative_to(folder)] == []


@pytest.mark.parametrize("script", STAGES)
def test_params_of_a_stage_are_those_it_reads(script: str) -> None:
    listed = param_sections(STAGES[script].get("params", []))
    assert listed == set(params_model(script).model_fields)


@pytest.mark.parametrize("script", STAGES)
def test_stage_scripts_are_short_and_described(script: str) -> None:
    assert STAGES[script]["desc"]
    assert len(module_path(script).read_text(encoding="utf-8").splitlines()) <= 60


def test_every_section_is_read_by_a_stage_and_every_key_has_a_comment() -> None:
    files = [Path("params.yaml"), *sorted(Path("studies").glob("*/params.yaml"))]
    read = {name for script in (*STAGES, *STUDIES) for name in params_model(script).model_fields}
    written = [section for file in files for section in YAML(typ="safe").load(file)]
    assert sorted(read) == sorted([*SECTIONS, *STUDY_SECTIONS]) == sorted(written)
    assert sorted(SECTIONS) == sorted(YAML(typ="safe").load(Path("params.yaml")))
    for line in [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]:
        is_key = line.startswith("  ") and not line.lstrip().startswith("- ")
        assert not is_key or "#" in line, f"no comment: {line}"


def test_dvc_yaml_lists_few_dependencies() -> None:
    assert sum(len(code_dependencies(body)) for body in STAGES.values()) <= 90
    assert len(Path("dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 400


def test_dvc_compares_the_five_metrics_files() -> None:
    paths = [path for body in STAGES.values() for entry in body.get("metrics", []) for path in entry]
    assert paths == [
        f"metrics/{name}.json" for name in ("rater", "baselines", "ranking", "links", "embeddings")
    ]


def test_stages_keep_the_run_cache() -> None:
    """DVC has no run cache for a stage with a plain output that it does not cache."""
    uncached = [
        script for script, body in STAGES.items() for entry in body.get("outs", []) if isinstance(entry, dict)
    ]
    assert uncached == ["stages.check_params", "stages.dataset_stats"]


def test_no_plot_is_a_text() -> None:
    plots = [path for body in STAGES.values() for entry in body.get("plots", []) for path in entry]
    assert not [path for path in plots if Path(path).suffix not in ("", ".tsv", ".png")]


def test_results_of_train_rater_depend_on_the_packages_that_it_lists() -> None:
    from stages.train_rater import PACKAGES

    listed = code_dependencies(STAGES["stages.train_rater"])
    folders = {f"reelgraph/{package}" for package in PACKAGES}
    assert folders == {dep for dep in listed if dep.startswith("reelgraph/")} | {"reelgraph/runtime"}
