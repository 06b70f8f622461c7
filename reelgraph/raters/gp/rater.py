"""The Gaussian process rater: prediction, catalogue scores, attributions, saving and loading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from reelgraph.core.rating_scale import N_CODES
from reelgraph.core.schemas.vectors import unit_rows
from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import Gp, Model
from reelgraph.raters.gp.content_masking import append_masked_movies
from reelgraph.raters.gp.explanation import likeness_contributions, user_level
from reelgraph.raters.gp.kernel import N_MOVIE_FEATURES
from reelgraph.raters.gp.leave_one_out_stats import MovieStats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import LatentFactors
from reelgraph.raters.gp.ordinal_head import HeadEnsemble, HeadInputs, expected_stars
from reelgraph.raters.gp.prediction import CatalogueScorer, OneStepPredictor
from reelgraph.raters.gp.rating_table import all_ratings
from reelgraph.raters.gp.types import CandidatePredictions
from reelgraph.raters.rater import (
    Attributions,
    CandidateScores,
    Prediction,
    mask_target_movies,
)
from reelgraph.runtime.checkpointing import select_prefix
from reelgraph.runtime.safetensors_io import load_state_dict_strict, write_tensors
from reelgraph.sequences.dataset import UserHistories

MAX_CONTEXT_LENGTH = 4096
"""Ratings of a history that predictions of some day read; the cost grows with its third power."""
HEAD_BATCH_SIZE = 1024
"""Rows per batch of the heads, so that their activations stay in the processor's cache."""
GPU_HEAD_BATCH_SIZE = 2**16
"""The same on a GPU, which a larger batch occupies."""

PerUser = Int64[np.ndarray, " users"]
Index = Int64[np.ndarray, " targets"]


class GpRater:
    """A fitted Gaussian process and an ensemble of heads on one device, and their ratings' statistics."""

    def __init__(
        self, content: MovieContent, stats: MovieStats, gp: GaussianProcess, heads: HeadEnsemble, params: Gp
    ) -> None:
        self.content = content
        self.stats = stats
        self.gp = gp
        self.heads = heads
        self.params = params

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters."""
        return sum(weight.numel() for module in (self.gp, self.heads) for weight in module.parameters())

    def predict(
        self, histories: UserHistories, fit_end: PerUser, index: Index, mask_content: bool = False
    ) -> Prediction:
        """Predict the ratings at ``index``; see ``reelgraph.raters.rater.Rater``."""
        if mask_content:
            masked_histories = mask_target_movies(histories, index, self.content.n_movies)
            return self._with_masked_movies.predict(masked_histories, fit_end, index)
        if not len(index):
            return Prediction(np.zeros(0), np.zeros((0, N_CODES)))
        predictor = OneStepPredictor(self.gp, self.stats, all_ratings(histories, fit_end), self.content)
        inputs = predictor.target_inputs(index, self.params)
        return self._apply_heads(inputs).select(np.searchsorted(inputs.rating, index))

    def score(
        self,
        histories: UserHistories,
        fit_end: PerUser,
        index: Index,
        movies: Int64[np.ndarray, "*targets movies"] | None = None,
        some_day: bool = False,
    ) -> Iterator[CandidateScores]:
        """Yield the predictions of movies in place of each target; see ``reelgraph.raters.rater.Rater``."""
        predictor = OneStepPredictor(self.gp, self.stats, all_ratings(histories, fit_end), self.content)
        features = predictor.history_features(index, some_day)
        size = MAX_CONTEXT_LENGTH - 1 if some_day else self.params.history_length
        lows, highs = predictor.ratings.nearest_history(index, size)
        for row, (target, low, high) in enumerate(zip(index, lows, highs, strict=True)):
            rows = movies if movies is None or movies.ndim == 1 else movies[row]
            history = np.arange(low, high)
            window = np.append(history, target)
            predictions = self.catalogue_scorer.predict_candidates(predictor, window, rows, some_day)
            inputs = self.catalogue_scorer.head_inputs(predictions, features.row(row), rows)
            prediction = self._apply_heads(inputs)
            if not some_day:
                yield CandidateScores(prediction, partial(_attributions, predictions, history))
                continue
            attributions = partial(self._likeness_attributions, predictor, window, rows, predictions)
            level = partial(user_level, self.gp, predictor.features, torch.from_numpy(window), predictions)
            yield CandidateScores(prediction, attributions, level)

    def _likeness_attributions(
        self,
        predictor: OneStepPredictor,
        window: Int64[np.ndarray, " size"],
        movies: Int64[np.ndarray, " movies"] | None,
        predictions: CandidatePredictions,
        rows: Int64[np.ndarray, " rows"],
    ) -> list[Attributions]:
        """Return what the history adds to candidates because the movies are alike."""
        if not len(rows):
            return []
        fold = int(predictor.features.fold[window[-1]])
        candidates = self.catalogue_scorer.candidates_of_fold(fold)
        selected = candidates.select(torch.from_numpy(rows if movies is None else movies[rows]))
        history = torch.from_numpy(window[:-1])
        contributions = likeness_contributions(self.gp, predictor.features, history, predictions, selected)
        contributions = contributions.cpu().double()
        return [Attributions(window[:-1], contribution) for contribution in contributions.numpy()]

    @cached_property
    def _with_masked_movies(self) -> GpRater:
        """The rater with a masked copy of each movie; built at the first use."""
        return GpRater(*append_masked_movies(self.content, self.stats, self.gp), self.heads, self.params)

    @cached_property
    def catalogue_scorer(self) -> CatalogueScorer:
        """All movies as candidates; built at the first use, when the rater is fitted."""
        return CatalogueScorer(self.gp, self.stats, self.content)

    @torch.inference_mode()
    def _apply_heads(self, inputs: HeadInputs) -> Prediction:
        device = self.gp.device
        size = HEAD_BATCH_SIZE if device == CPU else GPU_HEAD_BATCH_SIZE
        columns = (inputs.features, inputs.mean, inputs.std)
        batches = zip(*(column.to(device).split(size) for column in columns), strict=True)
        probabilities = torch.cat([self.heads(*batch) for batch in batches]).cpu().double()
        return Prediction(expected_stars(probabilities).numpy(), probabilities.numpy())

    def movie_vectors(self) -> Float32[np.ndarray, "movies dim"]:
        """Return the feature map of C without ``linear`` and shared entities, as unit vectors."""
        candidates = self.catalogue_scorer.candidates_of_fold(self.gp.n_folds - 1)
        return unit_rows(candidates.factors[:, :-N_MOVIE_FEATURES].cpu().numpy())

    def save(self, path: Path) -> None:
        """Write everything that prediction needs as safetensors."""
        tensors: dict[str, Tensor] = {
            "content.year": torch.from_numpy(self.content.year),
            "content.vectors": torch.from_numpy(self.content.vectors),
        }
        for number, block in enumerate(self.content.entity_blocks):
            tensors[f"content.entity_block_{number}"] = torch.from_numpy(block)
        tensors |= process_tensors(self.stats, self.gp)
        tensors |= {f"heads.{name}": weight.cpu() for name, weight in self.heads.state_dict().items()}
        write_tensors(tensors, path)


@torch.inference_mode()
def _attributions(
    predictions: CandidatePredictions,
    history: Int64[np.ndarray, " history"],
    rows: Int64[np.ndarray, " rows"],
) -> list[Attributions]:
    contributions = predictions.contributions(torch.from_numpy(rows)).cpu().double()
    return [Attributions(history, contribution) for contribution in contributions.numpy()]


def build_heads(model: Model, params: Gp) -> HeadEnsemble:
    """Build untrained heads."""
    return HeadEnsemble(params.ensemble_size, model.hidden_dim, model.dropout)


def restore_rater(tensors: dict[str, Tensor], model: Model, params: Gp, device: torch.device) -> GpRater:
    """Build a rater on a device from the tensors that ``GpRater.save`` wrote, which are on the CPU.

    Raises:
        KeyError, RuntimeError: tensors are missing, of another model, or not finite.
    """
    arrays = {name: tensor.numpy() for name, tensor in select_prefix(tensors, "content").items()}
    n_types = len(arrays) - 2
    blocks = tuple(arrays[f"entity_block_{number}"] for number in range(n_types))
    content = MovieContent(blocks, arrays["year"], arrays["vectors"])
    _check_content(content, tensors)
    stats, gp = restore_process(tensors, content, params)
    heads = build_heads(model, params)
    load_state_dict_strict(heads, select_prefix(tensors, "heads"))
    return GpRater(content, stats, gp.to(device), heads.eval().to(device), params)


def _check_content(content: MovieContent, tensors: Mapping[str, Tensor]) -> None:
    """Raise if the tensors are not of the same movies, before anything is sized by their values.

    Raises:
        RuntimeError: rows are missing, or a value is not finite or out of range.
    """
    n_movies = len(content.year)
    per_movie = {name: tensor for name, tensor in tensors.items() if name.startswith(("content.", "stats."))}
    for name, tensor in per_movie.items():
        if tensor.ndim and len(tensor) != n_movies:
            raise RuntimeError(f"{name} has {len(tensor):,} rows instead of {n_movies:,}")
        if name != "content.year" and not tensor.isfinite().all():
            raise RuntimeError(f"{name} is not finite")
    n_cells = sum(block.size for block in content.entity_blocks)  # entities of all types count together
    for number, block in enumerate(content.entity_blocks):
        if block.ndim != 2 or block.min(initial=0) < 0 or block.max(initial=0) > n_cells:
            raise RuntimeError(f"content.entity_block_{number} has numbers that are no entities")
    for name in ("cooccurrence", "latent_factors", "latent_variance"):
        if tensors[f"gp.{name}"].shape[1] != n_movies:
            raise RuntimeError(f"gp.{name} is not of {n_movies:,} movies")
    if tensors["stats.count"].min() < 0:
        raise RuntimeError("stats.count is negative")


def process_tensors(stats: MovieStats, gp: GaussianProcess) -> dict[str, Tensor]:
    """Return the tensors of a fitted Gaussian process on the CPU, without the content of the movies."""
    tensors = {
        f"stats.{name}": torch.tensor(values, dtype=torch.float64) for name, values in vars(stats).items()
    }
    return tensors | {f"gp.{name}": weight.cpu() for name, weight in gp.state_dict().items()}


def restore_process(
    tensors: Mapping[str, Tensor], content: MovieContent, params: Gp
) -> tuple[MovieStats, GaussianProcess]:
    """Build a Gaussian process on the CPU and its statistics from what ``process_tensors`` returned.

    Raises:
        KeyError, RuntimeError: tensors are missing, of another model, or not finite.
    """
    stats = {name: tensor.numpy() for name, tensor in select_prefix(tensors, "stats").items()}
    global_mean = float(stats.pop("global_mean"))
    gp_tensors = select_prefix(tensors, "gp")
    latent = LatentFactors(gp_tensors["latent_factors"], gp_tensors["latent_variance"])
    gp = GaussianProcess(content, gp_tensors["cooccurrence"], latent, params.embedding_dim)
    load_state_dict_strict(gp, gp_tensors)
    return MovieStats(global_mean=global_mean, **stats), gp
