"""The studies: ``python -m studies.NAME.run`` runs one on the data of the last run of the pipeline."""

import sys

from reelgraph.core.instruction_set import pin_instruction_set

if sys.argv[0] == "-m":  # the value while Python looks for the module to run
    pin_instruction_set()
