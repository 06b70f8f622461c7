"""Write into each dvc.yaml, as deps of each stage, the modules that its script imports.

``python -m tools.sync_deps`` rewrites dvc.yaml, the studies' too; DVC does not follow imports itself.
"""

from __future__ import annotations

from functools import reduce
from io import StringIO
from operator import getitem
from pathlib import Path
from typing import cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from tools.import_graph import module_path, transitive_imports

SHARED = "shared.json"
"""What the stages of a study share, in one file: its stage has their code as deps, they have the file."""


def dvc_files() -> list[Path]:
    """Return the pipeline's dvc.yaml, then those of the studies."""
    return [Path("dvc.yaml"), *sorted(Path("studies").glob("*/dvc.yaml"))]


def code_deps(stage: dict[str, object], names: list[str]) -> list[str]:
    """Return the code files that a stage of a dvc.yaml depends on, sorted.

    Args:
        stage: the stage, or the ``do`` part of a loop.
        names: the loop's keys: where ``${key}.py`` is a dep, the script imports that module by its name.
    """
    deps = [str(dep) for dep in cast("list[object]", stage["deps"])]
    if any(Path(dep).name == SHARED for dep in deps):
        return []
    scripts = [path for word in str(stage["cmd"]).split()[2:] if (path := module_path(word)).is_file()]
    found = set().union(*map(transitive_imports, scripts))
    by_name = [dep for dep in deps if dep.endswith("${key}.py")]
    own = {Path(dep.replace("${key}", name)) for dep in by_name for name in names}
    for path in own:
        found |= transitive_imports(path)
    return sorted({*(str(path) for path in found - own), *by_name})


def _keys(loop: object, params: Path) -> list[str]:
    """Return the names that a stage's ``foreach`` goes through; ``${key.path}`` stands in the params file."""
    if isinstance(loop, str):
        loop = reduce(getitem, loop.strip("${}").split("."), YAML(typ="safe").load(params))
    return list(cast("dict[str, object]", loop))


def updated(file: Path) -> tuple[str, str]:
    """Return a dvc.yaml's text as it is and as its imports want it."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    before = file.read_text(encoding="utf-8")
    content = yaml.load(before)
    for stage in content["stages"].values():
        body = stage.get("do", stage)
        data = [dep for dep in body["deps"] if not str(dep).endswith(".py")]
        names = _keys(stage.get("foreach", {}), file.with_name("params.yaml"))
        body["deps"] = CommentedSeq([*data, *code_deps(body, names)])
    text = StringIO()
    yaml.dump(content, text)
    return before, text.getvalue()


if __name__ == "__main__":
    for each in dvc_files():
        each.write_text(updated(each)[1], encoding="utf-8")
