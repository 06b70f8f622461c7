"""What every study does around its ``main``: it runs as a stage does, and records which data it read.

A study is no stage of DVC's. DVC's commands without a target ask for the outputs of all stages, and a clone
has no outputs of a study that it never ran.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ruamel.yaml import YAML

from reelgraph.params.base import PARAMS_FILE, StageParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage

RECORDS = Path(".cache/studies")
"""NAME.json of each study that ran here: path → hash of what it read. Ignored by git and DVC."""

P = TypeVar("P", bound=StageParams)


def run_study(name: str, params: type[P], main: Callable[[P], str], inputs: Sequence[str]) -> None:
    """Run a study as ``run_stage`` runs a stage, and record the hashes of its inputs.

    Args:
        name: folder of the study, whose params.yaml is read besides the pipeline's.
        params: model of the sections that the study reads.
        main: computes and writes the results; returns the text of the summary.
        inputs: outputs of the pipeline that it reads.
    """

    def run_and_record(values: P) -> str:
        hashes = output_hashes(Path("dvc.lock"))
        summary = main(values)
        write_json({path: hashes[path] for path in inputs if path in hashes}, RECORDS / f"{name}.json")
        return summary

    run_stage(name, params, run_and_record, PARAMS_FILE, f"studies/{name}/params.yaml")


def output_hashes(lock: Path) -> dict[str, str]:
    """Return path → hash of each output that a dvc.lock names; empty without the file."""
    stages = YAML(typ="safe").load(lock)["stages"] if lock.exists() else {}
    return {out["path"]: out["md5"] for entry in stages.values() for out in entry.get("outs", [])}
