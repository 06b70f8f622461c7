"""The pipeline's doors: ``python -m stages.NAME``.

A stage's imports take seconds, in which nobody but this file can answer Ctrl-C.
"""

import os
import signal
import sys
from pathlib import Path

if sys.argv[0] == "-m":  # as Python has it while it looks for the module that it is to run

    def _stopped(*_: object) -> None:
        print(f"{Path(sys.argv[0]).stem}: stopped. `dvc repro` goes on from this stage.", file=sys.stderr)
        os._exit(130)

    signal.signal(signal.SIGINT, _stopped)
