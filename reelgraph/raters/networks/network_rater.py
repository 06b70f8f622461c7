"""The reference's networks as raters: they see the last ratings of a history."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.nn.functional import normalize

from reelgraph.core.rating_scale import from_scaled
from reelgraph.core.safetensors_io import put_in, write_tensors
from reelgraph.params.rater import Model
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.training import predict
from reelgraph.raters.networks.transformer import TransformerRater
from reelgraph.raters.rater import Prediction, Reasons, Scores
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.batches import gather


class NeuralRater:
    """A trained network and the length of history that it sees."""

    def __init__(self, network: Network, max_history: int) -> None:
        self.network, self.max_history = network, max_history

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(p.numel() for p in self.network.parameters())

    def predict(
        self,
        histories: Histories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
    ) -> Prediction:
        """Predict the ratings at ``index``; what it was fitted on makes no difference."""
        return Prediction(predict(self.network, histories, index, self.max_history))

    def score(
        self,
        histories: Histories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        movies: Int64[np.ndarray, " movies"] | None = None,
    ) -> Iterator[Scores]:
        """Yield stars of movies in the place of each target; see ``reelgraph.raters.rater.Rater``."""
        device = self.network.movies.device
        asked = torch.arange(len(self.network.movies)) if movies is None else torch.from_numpy(movies)
        asked = asked.unsqueeze(0).to(device)
        for each in index[:, None]:
            with torch.inference_mode():
                memory = self.network.read(gather(histories, each, self.max_history).to(device))
                scaled = self.network.answer(memory, asked)[0].cpu().double().numpy()
            yield Scores(Prediction(from_scaled(scaled)), _no_reasons)

    def to(self, device: torch.device) -> NeuralRater:
        """Return the rater on a device."""
        return NeuralRater(self.network.to(device), self.max_history)

    def with_blanks(self) -> NeuralRater:
        """Know each movie twice; the second has the mean of all vectors and nothing else."""
        network, movies = copy.deepcopy(self.network), self.network.movies
        network.movies = torch.cat([movies, movies.mean(dim=0).expand_as(movies)])
        return NeuralRater(network, self.max_history)

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        write_tensors(self.network.state_dict(), path)


def _no_reasons(shown: Int64[np.ndarray, " shown"]) -> list[Reasons]:
    """A network's prediction is no sum over the history."""
    return [Reasons(np.zeros(0, np.int64), np.zeros(0)) for _ in shown]


def build(model: Model, movies: Float32[np.ndarray, "movies dim"]) -> Network:
    """Make an untrained network over frozen, L2-normalised movie vectors."""
    unit = normalize(torch.from_numpy(movies), dim=1)
    if model.type == "attention":
        return AttentionRater(unit, model.hidden_dim, model.dropout)
    return TransformerRater(unit, model.hidden_dim, model.dropout, model.layers, model.heads)


def restore(
    tensors: dict[str, Tensor], model: Model, movies: Float32[np.ndarray, "movies dim"]
) -> NeuralRater:
    """Build a rater from what ``save`` wrote.

    Raises:
        RuntimeError: the tensors are of another model, or not finite.
    """
    network = build(model, movies)
    put_in(network, tensors)
    return NeuralRater(network.eval(), model.max_history)
