"""The Gaussian process rater: fitting, predicting, explaining, keeping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reelgraph.core.metrics import mae, rmse
from reelgraph.core.seeds import derive_seed, generator, subsample
from reelgraph.params.model import Gp, Model
from reelgraph.raters.gp.content_masking import doubled
from reelgraph.raters.gp.leave_one_out_stats import MovieStats, fit_movie_stats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import LatentFactors, cooccurrence_vectors, fit_latent_factors
from reelgraph.raters.gp.ordinal_head import OrdinalHead, expected_stars
from reelgraph.raters.gp.prediction import HEAD_STATISTICS, CatalogueScorer, HeadInputs, OneStepPredictor
from reelgraph.raters.gp.rating_table import all_ratings, fitted_ratings, tile_windows, windows_ending_at
from reelgraph.raters.gp.training import log_density, train_gaussian_process, train_head
from reelgraph.raters.gp.types import CandidatePredictions
from reelgraph.raters.rater import Attributions, CandidateScores, Epoch, Prediction, mask_target_movies
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.runtime.safetensors_io import load_state_dict_strict, write_tensors
from reelgraph.sequences.dataset import UserHistories, star_ratings

MOST_JUDGED = 20_000
"""Validation targets by which an epoch is judged; of more, some are drawn, as nothing is chosen by it."""
IN_CACHE = 1024
"""Rows that the heads read at once: what lies between their layers stays in the processor's cache."""
N_HEAD_FEATURES = HEAD_STATISTICS + 3

Ends = Int64[np.ndarray, " users"]


class GpRater:
    """A process, heads over it, and the statistics of the rows that they were fitted on."""

    def __init__(
        self,
        content: MovieContent,
        stats: MovieStats,
        process: GaussianProcess,
        heads: nn.ModuleList,
        params: Gp,
    ) -> None:
        self.content, self.stats, self.gp, self.heads = content, stats, process, heads
        self.params = params

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers."""
        return sum(p.numel() for part in (self.gp, self.heads) for p in part.parameters())

    def predict(
        self,
        histories: UserHistories,
        fit_end: Ends,
        index: Int64[np.ndarray, " n"],
        mask_content: bool = False,
    ) -> Prediction:
        """Predict the ratings at ``index``; see ``reelgraph.raters.rater.Rater``."""
        if mask_content:
            masked = GpRater(*doubled(self.content, self.stats, self.gp), self.heads, self.params)
            return masked.predict(mask_target_movies(histories, index, self.content.n_movies), fit_end, index)
        if not len(index):
            return Prediction(np.zeros(0), np.zeros((0, 10)))
        predictor = OneStepPredictor(self.gp, self.stats, all_ratings(histories, fit_end), self.content)
        inputs = _of_targets(predictor, index, self.params)
        found, back = self._said(inputs), np.searchsorted(inputs.rating, index)
        assert found.probabilities is not None
        return Prediction(found.stars[back], found.probabilities[back])

    @torch.inference_mode()
    def _said(self, inputs: HeadInputs) -> Prediction:
        parts = zip(*(each.split(IN_CACHE) for each in (inputs.x, inputs.mean, inputs.spread)), strict=True)
        probabilities = torch.cat([self._averaged(*part) for part in parts]).double()
        expected = probabilities @ torch.arange(1, 11, dtype=torch.float64) / 2
        return Prediction(expected.numpy(), probabilities.numpy())

    def _averaged(
        self, x: Float[Tensor, "rows inputs"], mean: Float[Tensor, " rows"], spread: Float[Tensor, " rows"]
    ) -> Float[Tensor, "rows codes"]:
        # Codes first: torch takes much longer over short rows.
        each = [cast("OrdinalHead", head).logits(x, mean, spread).T.contiguous() for head in self.heads]
        return torch.stack(each).softmax(dim=1).mean(dim=0).T

    @cached_property
    def catalogue_scorer(self) -> CatalogueScorer:
        """All movies as candidates; made once, when the rater is fitted."""
        return CatalogueScorer(self.gp, self.stats, self.content)

    def score(
        self,
        histories: UserHistories,
        fit_end: Ends,
        index: Int64[np.ndarray, " n"],
        movies: Int64[np.ndarray, " movies"] | None = None,
    ) -> Iterator[CandidateScores]:
        """Yield what is predicted of movies in each target's place; see ``reelgraph.raters.rater.Rater``."""
        predictor = OneStepPredictor(self.gp, self.stats, all_ratings(histories, fit_end), self.content)
        people = np.stack(predictor.statistics(index), axis=1)
        bounds = predictor.ratings.nearest_history(index, self.params.context_length - 1)
        for target, low, high, person in zip(index, *bounds, people, strict=True):
            row = np.append(np.arange(low, high), target)
            found = self.catalogue_scorer.predict_candidates(predictor, row, movies)
            said = self._said(self.catalogue_scorer.head_inputs(found, person, movies))
            yield CandidateScores(said, partial(_reasons, found, row[:-1]))

    def save(self, path: Path) -> None:
        """Write everything that prediction needs as safetensors."""
        tensors: dict[str, Tensor] = {
            "content.year": torch.from_numpy(self.content.year),
            "content.vectors": torch.from_numpy(self.content.vectors),
        }
        tensors |= {
            f"content.block_{i}": torch.from_numpy(b) for i, b in enumerate(self.content.entity_blocks)
        }
        for name, values in vars(self.stats).items():
            tensors[f"stats.{name}"] = torch.from_numpy(np.array(values, np.float64))
        tensors |= {f"process.{name}": w for name, w in self.gp.state_dict().items()}
        tensors |= {f"heads.{name}": w for name, w in self.heads.state_dict().items()}
        write_tensors(tensors, path)


@torch.inference_mode()
def _reasons(
    found: CandidatePredictions, history: Int64[np.ndarray, " history"], shown: Int64[np.ndarray, " shown"]
) -> list[Attributions]:
    added = found.contributions(torch.from_numpy(shown)).double().numpy()
    return [Attributions(history, each) for each in added]


def restore_rater(tensors: dict[str, Tensor], model: Model, params: Gp) -> GpRater:
    """Build a rater from what ``save`` wrote.

    Raises:
        KeyError, RuntimeError: tensors are missing, of another model, or not finite.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    content, stats = parts["content"], {k: v.numpy() for k, v in parts["stats"].items()}
    blocks = tuple(content[f"block_{i}"].numpy() for i in range(len(content) - 2))
    known = MovieContent(blocks, content["year"].numpy(), content["vectors"].numpy())
    tastes = LatentFactors(parts["process"]["latent_factors"], parts["process"]["latent_variance"])
    process = GaussianProcess(known, parts["process"]["cowatch"], tastes, params.embedding_dim)
    load_state_dict_strict(process, parts["process"])
    heads = _heads(model, params)
    load_state_dict_strict(heads, parts["heads"])
    mean = float(stats.pop("mean"))
    return GpRater(known, MovieStats(mean=mean, **stats), process.eval(), heads.eval(), params)


def fit(
    histories: UserHistories,
    fit_end: Ends,
    content: MovieContent,
    model: Model,
    params: Gp,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
    resume: CheckpointDir = NO_CHECKPOINTS,
) -> GpRater:
    """Fit on each user's ratings before ``fit_end``.

    Args:
        histories: everybody's ratings.
        fit_end: end of the rows fitted on, a user.
        content: what the catalogue says of the movies.
        model: hidden size and dropout of the heads.
        params: section ``gp``.
        seed: root seed.
        on_epoch: told of each epoch, judged on validation targets, which must lie outside the rows.
        resume: where to go on from.
    """
    rows = fitted_ratings(histories, fit_end)
    stats = fit_movie_stats(rows, content, derive_seed(seed, "gp/folds"))
    torch.manual_seed(derive_seed(seed, "gp"))
    cowatch = torch.from_numpy(
        cooccurrence_vectors(rows, content.n_movies, params.cooccurrence_dim).astype(np.float32)
    )
    tastes = fit_latent_factors(rows, content, params.latent_dim, seed)
    process, heads = GaussianProcess(content, cowatch, tastes, params.embedding_dim), _heads(model, params)
    rater = GpRater(content, stats, process, heads, params)
    learner = OneStepPredictor(process, stats, rows, content)
    state = resume.checkpoint("process")
    judged = subsample(histories.val, MOST_JUDGED, generator(seed, "gp/judged"))
    judge = _judge(rater, histories, fit_end, judged, on_epoch, state.log) if on_epoch else lambda *_: None
    windows, _ = tile_windows(rows.offsets, params.context_length, params.context_length)
    train_gaussian_process(
        process, learner.columns, windows, params, derive_seed(seed, "gp/order"), judge, state
    )
    inputs = _of_rows(learner, params, derive_seed(seed, "gp/rows"))
    codes = np.rint(rows.stars[inputs.rating] * 2).astype(np.int64)
    for number, head in enumerate(heads.children()):
        assert isinstance(head, OrdinalHead)
        seen = resume.checkpoint(f"head_{number}")
        train_head(head, inputs, codes, params, derive_seed(seed, f"gp/head/{number}"), seen)
    return rater


def _heads(model: Model, params: Gp) -> nn.ModuleList:
    return nn.ModuleList(
        OrdinalHead(N_HEAD_FEATURES, model.hidden_dim, model.dropout) for _ in range(params.ensemble_size)
    )


def _of_rows(learner: OneStepPredictor, params: Gp, seed: int) -> HeadInputs:
    """Predict rows that were fitted on, each with half a window of history or all there is."""
    rows, own = tile_windows(
        learner.ratings.offsets, params.context_length, max(1, params.context_length // 2)
    )
    order = np.random.default_rng(seed).permutation(len(rows))
    enough = int(np.searchsorted(np.cumsum(own[order].sum(axis=1)), params.head_max_rows)) + 1
    taken = np.sort(order[:enough])
    return learner.head_inputs(rows[taken], own[taken], params.batch_size)


def _of_targets(predictor: OneStepPredictor, index: Int64[np.ndarray, " n"], params: Gp) -> HeadInputs:
    windows = windows_ending_at(index, *predictor.ratings.nearest_history(index, params.context_length - 1))
    return predictor.head_inputs(*windows, params.batch_size)


def _judge(
    rater: GpRater,
    histories: UserHistories,
    fit_end: Ends,
    index: Int64[np.ndarray, " n"],
    on_epoch: Callable[[Epoch], None],
    log: list[Any],
) -> Callable[[int, float, float], None]:
    """Judge the process alone, before there are heads, on targets; tell what the log has."""
    for each in log:
        on_epoch(Epoch(**each))
    plain, actual = OrdinalHead(N_HEAD_FEATURES, 2, 0.0).eval(), star_ratings(histories, index)

    def judge(epoch: int, loss: float, train_rmse: float) -> None:
        rater.gp.eval()
        # Made anew, which takes moments: kept, its columns of all ratings would take gigabytes at full size.
        predictor = OneStepPredictor(rater.gp, rater.stats, all_ratings(histories, fit_end), rater.content)
        inputs = _of_targets(predictor, index, rater.params)
        del predictor
        with torch.inference_mode():
            said = expected_stars(plain(inputs.x, inputs.mean, inputs.spread).exp()).double().numpy()
        rater.gp.train()
        density = log_density(inputs, actual)
        log.append(asdict(Epoch(epoch, loss, train_rmse, density, rmse(actual, said), mae(actual, said))))
        on_epoch(Epoch(**log[-1]))

    return judge
