"""Run the pipeline in one process, which imports torch once: ``python -m tests.helpers.run_stages``.

``dvc repro`` starts a process for each stage. The outputs and ``dvc.lock`` are the same.
"""

from __future__ import annotations

import runpy
import sys

from reelgraph.core.instruction_set import pin_instruction_set


def main() -> None:
    """Run all stages of dvc.yaml in the order of their dependencies, and commit their outputs to DVC's cache."""
    pin_instruction_set()
    import networkx  # NumPy reads the variables of the instruction set when it is loaded
    from dvc.repo import Repo

    repo = Repo(".")
    for stage in networkx.dfs_postorder_nodes(repo.index.graph):
        if stage.path_in_repo == "dvc.yaml":
            module, *arguments = stage.cmd.removeprefix("python -m ").split()
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__")
    repo.commit("dvc.yaml", force=True)


if __name__ == "__main__":
    main()
