"""Stage ablation_shared: what all runs share, code and params, → data/ablation/shared.json.

The runs are many and import much: each with its modules as deps makes a lock that DVC reads for seconds.
"""

from __future__ import annotations

import hashlib
import sys
from functools import partial

from reelgraph.params.base import PARAMS_FILE
from reelgraph.runtime.atomic_io import Json, write_json
from reelgraph.runtime.stage_runner import run_stage
from studies.ablation.experiment import shared_params
from studies.ablation.params import ABLATION_FILE, AblationRunParams
from tools.import_graph import module_path, transitive_imports


def work(script: str, params: AblationRunParams) -> str:
    """Write a digest of each module that the runs' script imports, and the params that they read."""
    files = sorted(transitive_imports(module_path(script)))
    code: dict[str, Json] = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    write_json({"code": code, "params": shared_params(params)}, "data/ablation/shared.json")
    return f"{len(code)} modules"


if __name__ == "__main__":
    (asked,) = sys.argv[1:]
    run_stage("ablation_shared", AblationRunParams, partial(work, asked), PARAMS_FILE, ABLATION_FILE)
