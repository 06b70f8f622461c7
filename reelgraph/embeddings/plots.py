"""The singular value spectra of the sets, as tables and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from reelgraph.runtime.atomic_io import write_text
from reelgraph.runtime.plotting import figure, save

Spectra = Mapping[str, Float64[np.ndarray, " dim"]]


def write_spectra(spectra: Spectra, folder: Path | str) -> None:
    """Write NAME.tsv for ``dvc plots`` and spectra.png: singular values as shares of the largest."""
    shares = {name: values / values[0] for name, values in spectra.items()}
    for name, share in shares.items():
        lines = [f"{rank}\t{value:.6g}" for rank, value in enumerate(share, start=1)]
        write_text("\n".join(["rank\tsingular_value", *lines, ""]), Path(folder) / f"{name}.tsv")
    drawn, axes = figure("Spectra of the movie vectors", "rank", "singular value / largest")
    for name, share in shares.items():
        axes.plot(np.arange(1, len(share) + 1), share, label=name, linewidth=1.5)
    axes.set(yscale="log", ylim=(1e-3, 1.1))
    axes.legend(frameon=False)
    save(drawn, Path(folder) / "spectra.png")
