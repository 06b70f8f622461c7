"""Fitting of the Gaussian process and of what it reads, up to its predictions that the heads are fitted on.

Params that only the heads read, such as ``model.hidden_dim``, change nothing here. So the result is cached
under all that it depends on, and a run with another head takes it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from reelgraph.core.cooccurrence import cooccurrence_vectors
from reelgraph.core.metrics import mae, rmse
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import Gp
from reelgraph.raters.gp.leave_one_out_stats import (
    MovieStats,
    draw_hidden,
    fit_movie_stats,
    predict_from_content,
)
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import fit_latent_factors
from reelgraph.raters.gp.ordinal_head import N_HEAD_FEATURES, HeadInputs, OrdinalHead, expected_stars
from reelgraph.raters.gp.prediction import OneStepPredictor
from reelgraph.raters.gp.rater import process_tensors, restore_process
from reelgraph.raters.gp.rating_table import RatingTable, all_ratings, fitted_ratings, tile_windows
from reelgraph.raters.gp.training import negative_log_density, train_gaussian_process
from reelgraph.raters.rater import Epoch
from reelgraph.raters.validation_targets import sample_validation_targets
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir, select_prefix
from reelgraph.sequences.dataset import UserHistories, star_ratings

HEAD_PARAMS = {"head_epochs", "ensemble_size"}
"""Params of section ``gp`` that only the heads read."""


@dataclass(frozen=True)
class FittedProcess:
    """A Gaussian process fitted on ratings, and its predictions of those that the heads are fitted on."""

    stats: MovieStats
    gp: GaussianProcess
    inputs: HeadInputs
    codes: Int64[np.ndarray, " rows"]
    """Half-star codes of the predicted ratings, 1 … 10."""

    def tensors(self) -> dict[str, Tensor]:
        """Return everything but the content of the movies."""
        return process_tensors(self.stats, self.gp) | {
            "inputs.rating": torch.from_numpy(self.inputs.rating),
            "inputs.features": self.inputs.features,
            "inputs.mean": self.inputs.mean,
            "inputs.std": self.inputs.std,
            "inputs.codes": torch.from_numpy(self.codes),
        }


def fit_process(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    content: MovieContent,
    params: Gp,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
    device: torch.device = CPU,
) -> FittedProcess:
    """Fit the statistics, the movie vectors and the Gaussian process, or read them from the cache.

    Args:
        histories: all users' ratings.
        fit_end: end of the ratings to fit on, per user.
        content: of the movies.
        params: section ``gp``.
        seed: root seed.
        on_epoch: called with each epoch's metrics on validation targets, which must lie after ``fit_end``.
        checkpoints: training continues from them, and they hold the cache.
        device: where the process is fitted; what it starts from is drawn on the CPU.

    Raises:
        TrainingError: a loss is not finite.
    """
    key = {"seed": seed, "gp": params.model_dump(exclude=HEAD_PARAMS), "device": device.type}
    cached = checkpoints.result("process", key)
    checkpoint = cached if cached.completed else checkpoints.checkpoint("gaussian_process")
    if on_epoch:
        for record in checkpoint.log:
            on_epoch(Epoch(**record))
    if cached.completed:
        return _restore_fit(cached.tensors, content, params, device)
    ratings = fitted_ratings(histories, fit_end)
    stats = fit_movie_stats(ratings, content, derive_seed(seed, "gp/folds"))
    gp = _build_process(ratings, stats, content, params, seed, device).to(device)
    is_hidden = draw_hidden(ratings, derive_seed(seed, "gp/hidden"))
    predictor = OneStepPredictor(gp, stats, ratings, content, is_hidden)
    targets = sample_validation_targets(histories, seed)

    def validate(epoch: int, train_loss: float, train_rmse: float) -> None:
        if on_epoch:
            # The predictor is built anew, which is fast: its columns take gigabytes at full size.
            every_rating = all_ratings(histories, fit_end)
            inputs = OneStepPredictor(gp, stats, every_rating, content).target_inputs(targets, params)
            errors = _errors(inputs, star_ratings(histories, targets))
            metrics = Epoch(epoch, train_loss, train_rmse, **errors)
            checkpoint.log.append(asdict(metrics))
            on_epoch(metrics)

    windows, _ = tile_windows(ratings.offsets, params.context_length, params.context_length)
    order_seed = derive_seed(seed, "gp/order")
    train_gaussian_process(gp, predictor.features, windows, params, order_seed, validate, checkpoint)
    inputs = _predict_training_rows(predictor, params, derive_seed(seed, "gp/rows"))
    codes = np.rint(ratings.stars[inputs.rating] * 2).astype(np.int64)
    process = FittedProcess(stats, gp, inputs, codes)
    cached.log = checkpoint.log
    cached.save(1, process.tensors())
    return process


def _build_process(
    ratings: RatingTable,
    stats: MovieStats,
    content: MovieContent,
    params: Gp,
    seed: int,
    device: torch.device,
) -> GaussianProcess:
    """Learn the movies' vectors, and return an untrained Gaussian process over them, on the CPU."""
    torch.manual_seed(derive_seed(seed, "gp"))
    shape = (ratings.n_users, content.n_movies)
    cooccurrence = cooccurrence_vectors(ratings.user, ratings.movie, shape, params.cooccurrence_dim)
    design_matrix = content.design_matrix()
    fold_seed = derive_seed(seed, "gp/folds")
    predicted = predict_from_content(design_matrix, stats.count, cooccurrence, fold_seed)
    factor_features = sp.hstack([design_matrix, cooccurrence], format="csr")
    latent = fit_latent_factors(ratings, factor_features, params.latent_dim, seed, device)
    w_and_q = torch.from_numpy(np.stack([cooccurrence, predicted]).astype(np.float32))
    return GaussianProcess(content, w_and_q, latent, params.embedding_dim)


def _restore_fit(
    tensors: Mapping[str, Tensor], content: MovieContent, params: Gp, device: torch.device
) -> FittedProcess:
    stats, gp = restore_process(tensors, content, params)
    inputs = select_prefix(tensors, "inputs")
    rating = inputs.pop("rating").numpy()
    codes = inputs.pop("codes").numpy()
    return FittedProcess(stats, gp.to(device), HeadInputs(rating, **inputs), codes)


def _errors(inputs: HeadInputs, actual: Float64[np.ndarray, " targets"]) -> dict[str, float]:
    """Return the validation metrics of the Gaussian process without its heads."""
    untrained = OrdinalHead(N_HEAD_FEATURES, 2, 0.0).eval()
    with torch.inference_mode():
        probabilities = untrained(inputs.features, inputs.mean, inputs.std).exp()
        predictions = expected_stars(probabilities).double().numpy()
    return {
        "val_loss": negative_log_density(inputs, actual),
        "val_rmse": rmse(actual, predictions),
        "val_mae": mae(actual, predictions),
    }


def _predict_training_rows(predictor: OneStepPredictor, params: Gp, seed: int) -> HeadInputs:
    """Predict at most about ``head_max_rows`` fitted ratings from at least half of ``history_length``."""
    size = params.history_length + 1
    windows, is_target = tile_windows(predictor.ratings.offsets, size, size // 2)
    order = np.random.default_rng(seed).permutation(len(windows))
    cumulative = np.cumsum(is_target[order].sum(axis=1))
    n_windows = int(np.searchsorted(cumulative, params.head_max_rows)) + 1
    subset = np.sort(order[:n_windows])
    return predictor.head_inputs(windows[subset], is_target[subset])
