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
from reelgraph.core.safetensors_io import put_in, write_tensors
from reelgraph.core.seeds import derive, generator
from reelgraph.params.gp import Gp
from reelgraph.params.rater import Model
from reelgraph.raters.gp.blanks import doubled
from reelgraph.raters.gp.columns import Beside
from reelgraph.raters.gp.content import Content
from reelgraph.raters.gp.cowatch import cowatch_vectors
from reelgraph.raters.gp.fitting import fit_head, fit_process, log_density
from reelgraph.raters.gp.head import Head, expected_stars
from reelgraph.raters.gp.inputs import HEAD_STATISTICS, HeadInputs, Predictor
from reelgraph.raters.gp.movie_stats import MovieStats, fit_stats
from reelgraph.raters.gp.process import Process
from reelgraph.raters.gp.ratings import all_rows, fitted_rows
from reelgraph.raters.gp.scoring import Scorer
from reelgraph.raters.gp.tastes import Tastes, fit_tastes
from reelgraph.raters.gp.windows import covering, ending_at
from reelgraph.raters.rater import Epoch, Prediction, Reasons, Scores
from reelgraph.runtime.checkpointing import NOWHERE, Resume
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.drawing import some
from reelgraph.sequences.ratings import stars

MOST_JUDGED = 20_000
"""Validation targets by which an epoch is judged; of more, some are drawn, as nothing is chosen by it."""
IN_CACHE = 1024
"""Rows that the heads read at once: what lies between their layers stays in the processor's cache."""
HEAD_INPUTS = HEAD_STATISTICS + 3

Ends = Int64[np.ndarray, " users"]


class GpRater:
    """A process, heads over it, and the statistics of the rows that they were fitted on."""

    def __init__(
        self, content: Content, stats: MovieStats, process: Process, heads: nn.ModuleList, params: Gp
    ) -> None:
        self.content, self.stats, self.process, self.heads = content, stats, process, heads
        self.params = params

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(p.numel() for part in (self.process, self.heads) for p in part.parameters())

    def predict(self, histories: Histories, fit_end: Ends, index: Int64[np.ndarray, " n"]) -> Prediction:
        """Predict the ratings at ``index``; see ``reelgraph.raters.rater.Rater``."""
        if not len(index):
            return Prediction(np.zeros(0), np.zeros((0, 10)))
        predictor = Predictor(self.process, self.stats, all_rows(histories, fit_end), self.content)
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
        each = [cast("Head", head).logits(x, mean, spread).T.contiguous() for head in self.heads]
        return torch.stack(each).softmax(dim=1).mean(dim=0).T

    @cached_property
    def scorer(self) -> Scorer:
        """All movies as candidates; made once, when the rater is fitted."""
        return Scorer(self.process, self.stats, self.content)

    def score(
        self,
        histories: Histories,
        fit_end: Ends,
        index: Int64[np.ndarray, " n"],
        movies: Int64[np.ndarray, " movies"] | None = None,
    ) -> Iterator[Scores]:
        """Yield what is predicted of movies in each target's place; see ``reelgraph.raters.rater.Rater``."""
        predictor = Predictor(self.process, self.stats, all_rows(histories, fit_end), self.content)
        people = np.stack(predictor.statistics(index), axis=1)
        bounds = predictor.ratings.nearest(index, self.params.window - 1)
        for target, low, high, person in zip(index, *bounds, people, strict=True):
            row = np.append(np.arange(low, high), target)
            found = self.scorer.beside(predictor, row, movies)
            said = self._said(self.scorer.head_inputs(found, person, movies))
            yield Scores(said, partial(_reasons, found, row[:-1]))

    def with_blanks(self) -> GpRater:
        """Know each movie twice, once without its vectors; see ``reelgraph.raters.rater.Rater``."""
        return GpRater(*doubled(self.content, self.stats, self.process), self.heads, self.params)

    def save(self, path: Path) -> None:
        """Write everything that prediction needs as safetensors."""
        tensors: dict[str, Tensor] = {
            "content.year": torch.from_numpy(self.content.year),
            "content.vectors": torch.from_numpy(self.content.vectors),
        }
        tensors |= {f"content.block_{i}": torch.from_numpy(b) for i, b in enumerate(self.content.blocks)}
        for name, values in vars(self.stats).items():
            tensors[f"stats.{name}"] = torch.from_numpy(np.array(values, np.float64))
        tensors |= {f"process.{name}": w for name, w in self.process.state_dict().items()}
        tensors |= {f"heads.{name}": w for name, w in self.heads.state_dict().items()}
        write_tensors(tensors, path)


@torch.inference_mode()
def _reasons(
    found: Beside, history: Int64[np.ndarray, " history"], shown: Int64[np.ndarray, " shown"]
) -> list[Reasons]:
    added = found.contributions(torch.from_numpy(shown)).double().numpy()
    return [Reasons(history, each) for each in added]


def restore(tensors: dict[str, Tensor], model: Model, params: Gp) -> GpRater:
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
    known = Content(blocks, content["year"].numpy(), content["vectors"].numpy())
    tastes = Tastes(parts["process"]["tastes"], parts["process"]["doubts"])
    process = Process(known, parts["process"]["cowatch"], tastes, params.factors)
    put_in(process, parts["process"])
    heads = _heads(model, params)
    put_in(heads, parts["heads"])
    mean = float(stats.pop("mean"))
    return GpRater(known, MovieStats(mean=mean, **stats), process.eval(), heads.eval(), params)


def fit(
    histories: Histories,
    fit_end: Ends,
    content: Content,
    model: Model,
    params: Gp,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
    resume: Resume = NOWHERE,
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
    rows = fitted_rows(histories, fit_end)
    stats = fit_stats(rows, content, derive(seed, "gp/folds"))
    torch.manual_seed(derive(seed, "gp"))
    cowatch = torch.from_numpy(cowatch_vectors(rows, content.movies, params.cowatch).astype(np.float32))
    tastes = fit_tastes(rows, content, params.tastes, seed)
    process, heads = Process(content, cowatch, tastes, params.factors), _heads(model, params)
    rater = GpRater(content, stats, process, heads, params)
    learner = Predictor(process, stats, rows, content)
    state = resume.state("process")
    judged = some(histories.val, MOST_JUDGED, generator(seed, "gp/judged"))
    judge = _judge(rater, histories, fit_end, judged, on_epoch, state.log) if on_epoch else lambda *_: None
    windows, _ = covering(rows.offsets, params.window, params.window)
    fit_process(process, learner.columns, windows, params, derive(seed, "gp/order"), judge, state)
    inputs = _of_rows(learner, params, derive(seed, "gp/rows"))
    codes = np.rint(rows.stars[inputs.rating] * 2).astype(np.int64)
    for number, head in enumerate(heads.children()):
        assert isinstance(head, Head)
        seen = resume.state(f"head_{number}")
        fit_head(head, inputs, codes, params, derive(seed, f"gp/head/{number}"), seen)
    return rater


def _heads(model: Model, params: Gp) -> nn.ModuleList:
    return nn.ModuleList(Head(HEAD_INPUTS, model.hidden_dim, model.dropout) for _ in range(params.heads))


def _of_rows(learner: Predictor, params: Gp, seed: int) -> HeadInputs:
    """Predict rows that were fitted on, each with half a window of history or all there is."""
    rows, own = covering(learner.ratings.offsets, params.window, max(1, params.window // 2))
    order = np.random.default_rng(seed).permutation(len(rows))
    enough = int(np.searchsorted(np.cumsum(own[order].sum(axis=1)), params.head_rows)) + 1
    taken = np.sort(order[:enough])
    return learner.head_inputs(rows[taken], own[taken], params.batch_size)


def _of_targets(predictor: Predictor, index: Int64[np.ndarray, " n"], params: Gp) -> HeadInputs:
    windows = ending_at(index, *predictor.ratings.nearest(index, params.window - 1))
    return predictor.head_inputs(*windows, params.batch_size)


def _judge(
    rater: GpRater,
    histories: Histories,
    fit_end: Ends,
    index: Int64[np.ndarray, " n"],
    on_epoch: Callable[[Epoch], None],
    log: list[Any],
) -> Callable[[int, float, float], None]:
    """Judge the process alone, before there are heads, on targets; tell what the log has."""
    for each in log:
        on_epoch(Epoch(**each))
    plain, actual = Head(HEAD_INPUTS, 2, 0.0).eval(), stars(histories, index)

    def judge(epoch: int, loss: float, train_rmse: float) -> None:
        rater.process.eval()
        # Made anew, which takes moments: kept, its columns of all ratings would take gigabytes at full size.
        predictor = Predictor(rater.process, rater.stats, all_rows(histories, fit_end), rater.content)
        inputs = _of_targets(predictor, index, rater.params)
        del predictor
        with torch.inference_mode():
            said = expected_stars(plain(inputs.x, inputs.mean, inputs.spread).exp()).double().numpy()
        rater.process.train()
        density = log_density(inputs, actual)
        log.append(asdict(Epoch(epoch, loss, train_rmse, density, rmse(actual, said), mae(actual, said))))
        on_epoch(Epoch(**log[-1]))

    return judge
