"""Networks as raters: fitting, prediction, saving and loading of any ``Network``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.nn.functional import normalize

from reelgraph.core.rating_scale import denormalize_stars
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.distributed import SINGLE_PROCESS, ProcessGroup
from reelgraph.raters.networks.trainer import Trainer, predict_stars
from reelgraph.raters.rater import (
    CandidateScores,
    Fitter,
    MovieInputs,
    Prediction,
    SelectedFit,
    mask_target_movies,
)
from reelgraph.raters.registry import LoadVectors, RaterType
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.runtime.safetensors_io import load_state_dict_strict, write_tensors
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories


class NetworkRater:
    """A trained network that reads the last ``max_history`` ratings of a history."""

    def __init__(self, network: Network, max_history: int) -> None:
        self.network = network
        self.max_history = max_history

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def predict(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        mask_content: bool = False,
    ) -> Prediction:
        """Predict the ratings at ``index``; ``fit_end`` has no effect.

        See ``reelgraph.raters.rater.Rater.predict``.
        """
        network = self.network
        if mask_content:
            histories = mask_target_movies(histories, index, len(network.movies))
            network = self._append_masked_movies()
        return Prediction(predict_stars(network, histories, index, self.max_history))

    def score(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        movies: Int64[np.ndarray, "*targets movies"] | None = None,
        some_day: bool = False,
    ) -> Iterator[CandidateScores]:
        """Yield predictions for candidate movies; see ``reelgraph.raters.rater.Rater.score``."""
        device = self.network.movies.device
        if movies is None:
            movies = np.arange(len(self.network.movies))
        candidates = torch.tensor(movies, device=device).expand(len(index), movies.shape[-1])
        for target, rows in zip(index[:, None], candidates, strict=True):
            with torch.inference_mode():
                batch = gather_batch(histories, target, self.max_history).to(device)
                encoded = self.network.encode_history(batch)
                normalized = self.network.score(encoded, rows.unsqueeze(0))[0].cpu().double().numpy()
            yield CandidateScores(Prediction(denormalize_stars(normalized)))

    def movie_vectors(self) -> None:
        """Return nothing: a network learns no vectors of single movies from ratings."""

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        write_tensors(self.network.state_dict(), path)

    def _append_masked_movies(self) -> Network:
        """Return a copy of the network with a second copy of every movie that has the mean of all vectors."""
        network = copy.deepcopy(self.network)
        movies = self.network.movies
        network.movies = torch.cat([movies, movies.mean(dim=0).expand_as(movies)])
        return network


class NetworkFitter:
    """Trains a network by ``reelgraph.raters.networks.trainer``."""

    def __init__(
        self,
        make_network: Callable[[], Network],
        params: TrainRaterParams,
        histories: UserHistories,
        checkpoints: CheckpointDir = NO_CHECKPOINTS,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        self.make_network = make_network
        self.params = params.train
        self.max_history = params.model.max_history
        self.seed = params.rater_seed
        self.histories = histories
        self.checkpoints = checkpoints
        self.group = group

    def wrap_network(self, wrapper: Callable[[Network], Network]) -> None:
        """Replace the network that is trained by ``wrapper(network)``."""
        make_network = self.make_network
        self.make_network = lambda: wrapper(make_network())

    def fit_and_select(self) -> SelectedFit:
        """Train on training rows; select the epoch with the lowest validation RMSE."""
        result = self._trainer().train(self.histories, self.checkpoints.checkpoint("train"))
        rater = NetworkRater(result.network, self.max_history)
        return SelectedFit(rater, result.best_epoch.epoch, result.epochs)

    def refit(self, epochs: int) -> NetworkRater:
        """Train on training and validation rows for ``epochs`` epochs."""
        network = self._trainer().refit(self.histories, epochs, self.checkpoints.checkpoint("train_val"))
        return NetworkRater(network, self.max_history)

    def _trainer(self) -> Trainer:
        return Trainer(self.make_network, self.params, self.max_history, self.seed, self.group)


def network_rater_type(
    network_class: type[Network], description: str, supports_user_batches: bool = False
) -> RaterType:
    """Return the registry entry of a network.

    Args:
        network_class: the network; ``from_config`` builds it.
        description: a noun phrase for the model card.
        supports_user_batches: the network has ``forward_histories``.
    """

    def make_fitter(
        params: TrainRaterParams,
        histories: UserHistories,
        movies: MovieInputs,
        checkpoints: CheckpointDir,
        group: ProcessGroup,
    ) -> Fitter:
        config = params.config()

        def make_network() -> Network:
            return build_network(network_class, config, movies.vectors)

        return NetworkFitter(make_network, params, histories, checkpoints, group)

    def restore(
        tensors: dict[str, Tensor], config: RaterConfig, load_vectors: LoadVectors, device: torch.device
    ) -> NetworkRater:
        network = build_network(network_class, config, load_vectors())
        load_state_dict_strict(network, tensors)
        return NetworkRater(network.eval().to(device), config.model.max_history)

    return RaterType(
        description,
        make_fitter,
        restore,
        devices=("cpu", "cuda", "mps"),
        retain_freed_memory=True,
        append_movies=append_movies,
        supports_processes=True,
        supports_user_batches=supports_user_batches,
    )


def append_movies(rater: NetworkRater, movies: MovieInputs) -> NetworkRater:
    """Return the rater with further movies, of which a network reads the vectors only."""
    network = copy.deepcopy(rater.network)
    network.movies = normalize(torch.from_numpy(movies.vectors), dim=1).to(network.movies.device)
    return NetworkRater(network, rater.max_history)


def build_network(
    network_class: type[Network], config: RaterConfig, movies: Float32[np.ndarray, "movies dim"]
) -> Network:
    """Return an untrained network over the movie vectors, scaled to unit length."""
    return network_class.from_config(normalize(torch.from_numpy(movies), dim=1), config)
