"""Fitting of the Gaussian process rater, and its entry in the registry.

The Gaussian process comes first, then the heads on its predictions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from reelgraph.core.parallel import parallel_map
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.gp.append_movies import append_movies
from reelgraph.raters.gp.movie_content import MovieContent, build_movie_content
from reelgraph.raters.gp.process_fitting import fit_process
from reelgraph.raters.gp.rater import GpRater, build_heads, restore_rater
from reelgraph.raters.gp.training import train_head
from reelgraph.raters.networks.distributed import ProcessGroup
from reelgraph.raters.rater import Epoch, MovieInputs, SelectedFit
from reelgraph.raters.registry import LoadVectors, RaterType
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.sequences.dataset import UserHistories


def fit(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    content: MovieContent,
    params: TrainRaterParams,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
    device: torch.device = CPU,
) -> GpRater:
    """Fit a rater on each user's ratings before ``fit_end``.

    The heads are trained on the CPU: their steps are too small to occupy a GPU.

    Args:
        histories: all users' ratings.
        fit_end: end of the ratings to fit on, per user.
        content: of the movies.
        params: of the process and its heads, and the root seed.
        on_epoch: called with each epoch's metrics on validation targets, which must lie after ``fit_end``.
        checkpoints: training continues from them.
        device: where the Gaussian process is fitted, and the rater predicts.

    Raises:
        TrainingError: a loss is not finite.
    """
    seed = params.rater_seed
    process = fit_process(histories, fit_end, content, params.gp, seed, on_epoch, checkpoints, device)
    # The heads draw from a stream of their own, so that they do not depend on how the process was obtained.
    torch.manual_seed(derive_seed(seed, "gp/heads"))
    heads = build_heads(params.model, params.gp)

    def train(number: int) -> None:
        head_seed = derive_seed(seed, f"gp/head/{number}")
        checkpoint = checkpoints.checkpoint(f"head_{number}")
        train_head(heads.members[number], process.inputs, process.codes, params.gp, head_seed, checkpoint)

    parallel_map(train, range(len(heads.members)))
    return GpRater(content, process.stats, process.gp, heads.to(device), params.gp)


class GpFitter:
    """Fits the Gaussian process and its heads; the last epoch is always the best one."""

    def __init__(
        self,
        params: TrainRaterParams,
        histories: UserHistories,
        movies: MovieInputs,
        checkpoints: CheckpointDir,
        device: torch.device,
    ) -> None:
        self.params = params
        self.histories = histories
        self.content = build_movie_content(movies.graph, movies.year, (movies.text, movies.vectors))
        self.checkpoints = checkpoints
        self.device = device

    def fit_and_select(self) -> SelectedFit:
        """Fit on training rows; see ``reelgraph.raters.rater.Fitter``."""
        epochs: list[Epoch] = []
        fit_end = self.histories.fit_end("train")
        checkpoints = self.checkpoints.subdirectory("train")
        rater = fit(
            self.histories, fit_end, self.content, self.params, epochs.append, checkpoints, self.device
        )
        return SelectedFit(rater, len(epochs), epochs)

    def refit(self, epochs: int) -> GpRater:
        """Fit on training and validation rows."""
        fit_end = self.histories.fit_end("train_val")
        checkpoints = self.checkpoints.subdirectory("train_val")
        return fit(self.histories, fit_end, self.content, self.params, None, checkpoints, self.device)


def _make_fitter(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir,
    group: ProcessGroup,
) -> GpFitter:
    return GpFitter(params, histories, movies, checkpoints, group.device)


def _restore(
    tensors: dict[str, Tensor], config: RaterConfig, load_vectors: LoadVectors, device: torch.device
) -> GpRater:
    return restore_rater(tensors, config.model, config.gp, device)


RATER = RaterType(
    "a Gaussian process per user, over movies and time, with a network for the half stars",
    _make_fitter,
    _restore,
    devices=("cpu", "cuda"),
    append_movies=append_movies,
)
