"""The studies: ``python -m studies.NAME.SCRIPT`` runs one of their stages."""

import sys

from reelgraph.core.instruction_set import pin_instruction_set

if sys.argv[0] == "-m":  # the value while Python looks for the module to run
    pin_instruction_set()
