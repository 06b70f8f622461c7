"""The stage scripts: ``python -m stages.NAME`` runs one.

Importing a stage takes seconds. Until ``run_stage`` takes over, this module handles Ctrl-C and watches DVC.
"""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from reelgraph.core.instruction_set import pin_instruction_set
from reelgraph.runtime.process_lock import exit_with_parent

if sys.argv[0] == "-m":  # the value while Python looks for the module to run

    def _stop(*_: object) -> None:
        print(f"{Path(sys.argv[0]).stem}: stopped. `dvc repro` continues with this stage.", file=sys.stderr)
        os._exit(130)

    if find_spec("pydantic") is None:
        sys.exit(
            f"stages: expected the packages of requirements.lock, got {sys.executable} without them. "
            "Run `make repro`, or `. .venv/bin/activate` before `dvc repro`."
        )
    pin_instruction_set()
    signal.signal(signal.SIGINT, _stop)
    exit_with_parent()
