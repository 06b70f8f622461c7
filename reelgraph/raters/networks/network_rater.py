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

from reelgraph.core.rating_scale import denormalize_stars
from reelgraph.params.model import Model
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.trainer import predict_stars
from reelgraph.raters.networks.transformer import TransformerRater
from reelgraph.raters.rater import Attributions, CandidateScores, Prediction, mask_target_movies
from reelgraph.runtime.safetensors_io import load_state_dict_strict, write_tensors
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories


class NetworkRater:
    """A trained network and the length of history that it sees."""

    def __init__(self, network: Network, max_history: int) -> None:
        self.network, self.max_history = network, max_history

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers."""
        return sum(p.numel() for p in self.network.parameters())

    def predict(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        mask_content: bool = False,
    ) -> Prediction:
        """Predict the ratings at ``index``; what it was fitted on makes no difference."""
        if mask_content:
            masked = self._append_masked_movies()
            histories = mask_target_movies(histories, index, len(self.network.movies))
            return masked.predict(histories, fit_end, index)
        return Prediction(predict_stars(self.network, histories, index, self.max_history))

    def score(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        movies: Int64[np.ndarray, " movies"] | None = None,
    ) -> Iterator[CandidateScores]:
        """Yield stars of movies in the place of each target; see ``reelgraph.raters.rater.Rater``."""
        device = self.network.movies.device
        asked = torch.arange(len(self.network.movies)) if movies is None else torch.from_numpy(movies)
        asked = asked.unsqueeze(0).to(device)
        for each in index[:, None]:
            with torch.inference_mode():
                memory = self.network.encode_history(
                    gather_batch(histories, each, self.max_history).to(device)
                )
                scaled = self.network.score(memory, asked)[0].cpu().double().numpy()
            yield CandidateScores(Prediction(denormalize_stars(scaled)), _no_attributions)

    def to(self, device: torch.device) -> NetworkRater:
        """Return the rater on a device."""
        return NetworkRater(self.network.to(device), self.max_history)

    def _append_masked_movies(self) -> NetworkRater:
        """Return a rater with a second copy of every movie that has the mean of all vectors."""
        network = copy.deepcopy(self.network)
        movies = self.network.movies
        network.movies = torch.cat([movies, movies.mean(dim=0).expand_as(movies)])
        return NetworkRater(network, self.max_history)

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        write_tensors(self.network.state_dict(), path)


def _no_attributions(shown: Int64[np.ndarray, " shown"]) -> list[Attributions]:
    """A network's prediction is no sum over the history."""
    return [Attributions(np.zeros(0, np.int64), np.zeros(0)) for _ in shown]


def build_network(model: Model, movies: Float32[np.ndarray, "movies dim"]) -> Network:
    """Make an untrained network over frozen, L2-normalised movie vectors."""
    unit = normalize(torch.from_numpy(movies), dim=1)
    if model.type == "attention":
        return AttentionRater(unit, model.hidden_dim, model.dropout)
    return TransformerRater(unit, model.hidden_dim, model.dropout, model.layers, model.heads)


def restore(
    tensors: dict[str, Tensor], model: Model, movies: Float32[np.ndarray, "movies dim"]
) -> NetworkRater:
    """Build a rater from what ``save`` wrote.

    Raises:
        RuntimeError: the tensors are of another model, or not finite.
    """
    network = build_network(model, movies)
    load_state_dict_strict(network, tensors)
    return NetworkRater(network.eval(), model.max_history)
