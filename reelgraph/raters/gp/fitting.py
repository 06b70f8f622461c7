"""Fitting of the Gaussian process rater, and its entry in the registry.

Statistics and movie factors come first, then the Gaussian process, then the heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from reelgraph.core.metrics import mae, rmse
from reelgraph.core.seeds import derive_seed, generator, subsample
from reelgraph.params.model import Gp, Model, RaterConfig, TrainRaterParams
from reelgraph.raters.gp.leave_one_out_stats import fit_movie_stats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent, build_movie_content
from reelgraph.raters.gp.movie_factors import cooccurrence_vectors, fit_latent_factors
from reelgraph.raters.gp.ordinal_head import N_HEAD_FEATURES, HeadInputs, OrdinalHead, expected_stars
from reelgraph.raters.gp.prediction import OneStepPredictor
from reelgraph.raters.gp.rater import GpRater, build_heads, restore_rater, target_inputs
from reelgraph.raters.gp.rating_table import all_ratings, fitted_ratings, tile_windows
from reelgraph.raters.gp.training import negative_log_density, train_gaussian_process, train_head
from reelgraph.raters.networks.distributed import ProcessGroup
from reelgraph.raters.rater import Epoch, MovieInputs, SelectedFit
from reelgraph.raters.registry import LoadVectors, RaterType
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.sequences.dataset import UserHistories, star_ratings

MAX_VALIDATION_TARGETS = 20_000
"""Validation targets per epoch; of more, a subsample is predicted, as the epochs' metrics select nothing."""


def fit(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    content: MovieContent,
    model: Model,
    params: Gp,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
) -> GpRater:
    """Fit a rater on each user's ratings before ``fit_end``.

    Args:
        histories: all users' ratings.
        fit_end: end of the ratings to fit on, per user.
        content: of the movies.
        model: hidden size and dropout of the heads.
        params: section ``gp``.
        seed: root seed.
        on_epoch: called with each epoch's metrics on validation targets, which must lie after ``fit_end``.
        checkpoints: training continues from them.

    Raises:
        TrainingError: a loss is not finite.
    """
    ratings = fitted_ratings(histories, fit_end)
    stats = fit_movie_stats(ratings, content, derive_seed(seed, "gp/folds"))
    torch.manual_seed(derive_seed(seed, "gp"))
    cooccurrence = cooccurrence_vectors(ratings, content.n_movies, params.cooccurrence_dim)
    latent = fit_latent_factors(ratings, content, params.latent_dim, seed)
    gp = GaussianProcess(
        content, torch.from_numpy(cooccurrence.astype(np.float32)), latent, params.embedding_dim
    )
    heads = build_heads(model, params)
    rater = GpRater(content, stats, gp, heads, params)
    predictor = OneStepPredictor(gp, stats, ratings, content)
    checkpoint = checkpoints.checkpoint("gaussian_process")
    subset = subsample(histories.val, MAX_VALIDATION_TARGETS, generator(seed, "gp/judged"))
    validate = (
        _validator(rater, histories, fit_end, subset, on_epoch, checkpoint.log) if on_epoch else _ignore
    )
    windows, _ = tile_windows(ratings.offsets, params.context_length, params.context_length)
    order_seed = derive_seed(seed, "gp/order")
    train_gaussian_process(gp, predictor.features, windows, params, order_seed, validate, checkpoint)
    inputs = _training_inputs(predictor, params, derive_seed(seed, "gp/rows"))
    codes = np.rint(ratings.stars[inputs.rating] * 2).astype(np.int64)
    for number, head in enumerate(heads.members):
        head_seed = derive_seed(seed, f"gp/head/{number}")
        train_head(head, inputs, codes, params, head_seed, checkpoints.checkpoint(f"head_{number}"))
    return rater


def _training_inputs(predictor: OneStepPredictor, params: Gp, seed: int) -> HeadInputs:
    """Predict at most about ``head_max_rows`` fitted ratings, after at least half a window of history."""
    stride = max(1, params.context_length // 2)
    windows, is_target = tile_windows(predictor.ratings.offsets, params.context_length, stride)
    order = np.random.default_rng(seed).permutation(len(windows))
    cumulative = np.cumsum(is_target[order].sum(axis=1))
    n_windows = int(np.searchsorted(cumulative, params.head_max_rows)) + 1
    subset = np.sort(order[:n_windows])
    return predictor.head_inputs(windows[subset], is_target[subset], params.batch_size)


def _validator(
    rater: GpRater,
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " targets"],
    on_epoch: Callable[[Epoch], None],
    log: list[Any],
) -> Callable[[int, float, float], None]:
    """Report the log's epochs; return a function that validates the Gaussian process without its heads."""
    for record in log:
        on_epoch(Epoch(**record))
    untrained = OrdinalHead(N_HEAD_FEATURES, 2, 0.0).eval()
    actual = star_ratings(histories, index)

    def validate(epoch: int, train_loss: float, train_rmse: float) -> None:
        rater.gp.eval()
        # The predictor is built anew, which is fast: its columns of all ratings take gigabytes at full size.
        predictor = OneStepPredictor(rater.gp, rater.stats, all_ratings(histories, fit_end), rater.content)
        inputs = target_inputs(predictor, index, rater.params)
        del predictor
        with torch.inference_mode():
            probabilities = untrained(inputs.features, inputs.mean, inputs.std).exp()
            predictions = expected_stars(probabilities).double().numpy()
        rater.gp.train()
        metrics = Epoch(
            epoch=epoch,
            train_loss=train_loss,
            train_rmse=train_rmse,
            val_loss=negative_log_density(inputs, actual),
            val_rmse=rmse(actual, predictions),
            val_mae=mae(actual, predictions),
        )
        log.append(asdict(metrics))
        on_epoch(metrics)

    return validate


def _ignore(epoch: int, train_loss: float, train_rmse: float) -> None:
    """Report nothing."""


class GpFitter:
    """Fits the Gaussian process and its heads; the last epoch is always the best one."""

    def __init__(
        self,
        params: TrainRaterParams,
        histories: UserHistories,
        movies: MovieInputs,
        checkpoints: CheckpointDir,
    ) -> None:
        self.params = params
        self.histories = histories
        self.content = build_movie_content(movies.graph, movies.year, (movies.text, movies.vectors))
        self.checkpoints = checkpoints

    def fit_and_select(self, on_epoch: Callable[[Epoch], None]) -> SelectedFit:
        """Fit on training rows; see ``reelgraph.raters.rater.Fitter``."""
        epochs: list[Epoch] = []

        def record(epoch: Epoch) -> None:
            epochs.append(epoch)
            on_epoch(epoch)

        fit_end = self.histories.fit_end("train")
        rater = self._fit(fit_end, self.checkpoints.subdirectory("train"), record)
        return SelectedFit(rater, len(epochs), epochs)

    def refit(self, epochs: int) -> GpRater:
        """Fit on training and validation rows."""
        fit_end = self.histories.fit_end("train_val")
        return self._fit(fit_end, self.checkpoints.subdirectory("train_val"))

    def _fit(
        self,
        fit_end: Int64[np.ndarray, " users"],
        checkpoints: CheckpointDir,
        on_epoch: Callable[[Epoch], None] | None = None,
    ) -> GpRater:
        return fit(
            histories=self.histories,
            fit_end=fit_end,
            content=self.content,
            model=self.params.model,
            params=self.params.gp,
            seed=self.params.seed,
            on_epoch=on_epoch,
            checkpoints=checkpoints,
        )


def _make_fitter(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir,
    group: ProcessGroup,
) -> GpFitter:
    return GpFitter(params, histories, movies, checkpoints)


def _restore(
    tensors: dict[str, Tensor], config: RaterConfig, load_vectors: LoadVectors, device: torch.device
) -> GpRater:
    return restore_rater(tensors, config.model, config.gp)


RATER = RaterType(
    "a Gaussian process per user, over movies and time, with a network for the half stars",
    _make_fitter,
    _restore,
)
