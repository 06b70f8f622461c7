"""Movie embeddings, and a rater that predicts ratings: ``reelgraph.load(DIR)`` loads an exported model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelgraph.app.bundle.model import Bundle


def load(folder: Path | str) -> Bundle:
    """Load a bundle, a folder that ``reelgraph export`` wrote.

    Raises:
        ArtifactError: a file is missing, corrupt or of another format version, or the files are inconsistent.
    """
    # Imported here, since importing any module of the package executes this file.
    from reelgraph.app.bundle import model

    return model.load(folder)
