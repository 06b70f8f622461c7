"""Movie embeddings, and a rater that predicts stars: ``reelgraph.load(DIR)`` opens a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelgraph.app.bundle.model import Bundle


def load(folder: Path | str) -> Bundle:
    """Load the bundle that ``reelgraph export`` wrote.

    Raises:
        ArtifactError: a file is missing, broken, of another format, or the files don't fit together.
    """
    # Inside, so that a stage, whose deps are the modules that it imports, doesn't import all of this.
    from reelgraph.app.bundle import model

    return model.load(folder)
