"""Peer: SASRec, a causal transformer over the history (Kang & McAuley 2018), with a softmax over all movies.

The softmax is that of Klenitskiy & Vasilev 2023, "Turning Dross Into Gold Loss"; it is stronger than the
original loss on sampled negatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from reelgraph.params.base import Section
from reelgraph.rankers.item_weights import positions
from reelgraph.rankers.ranker import FittedRatings, RankerInputs, RankingQuery, frequent_movies

HEADS = 2
BATCH_SIZE = 32
LEARNING_RATE = 1e-3


class Params(Section):
    """Parameters of the ranker."""

    dim: int = Field(ge=HEADS, multiple_of=HEADS)
    """Dimensions of a movie, an even number."""

    blocks: int = Field(ge=1, le=8)
    """Transformer blocks, 1 to 8."""

    length: int = Field(ge=2, le=1000)
    """Last movies of a history that are read, 2 to 1000."""

    dropout: float = Field(ge=0, lt=1)
    """Fraction of activations dropped in training, 0 or more, below 1."""

    epochs: int = Field(ge=1)
    """Passes over the ratings, 1 or more."""


class Network(nn.Module):
    """Encodes each position of a history from the movies up to it."""

    def __init__(self, n_movies: int, params: Params) -> None:
        super().__init__()
        self.movies = nn.Embedding(n_movies + 1, params.dim)
        self.places = nn.Embedding(params.length, params.dim)
        nn.init.normal_(self.movies.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.dropout = nn.Dropout(params.dropout)
        layer = nn.TransformerEncoderLayer(
            params.dim, HEADS, 4 * params.dim, params.dropout, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, params.blocks, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(params.dim)

    def forward(self, history: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch length dim"]:
        """Return the encoded positions; padding is the last movie's number plus 1, behind the history."""
        length = history.shape[1]
        x = self.movies(history) * self.movies.embedding_dim**0.5 + self.places.weight[:length]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.norm(self.blocks(self.dropout(x), mask=mask, is_causal=True))

    def logits(self, encoded: Float[Tensor, "n dim"]) -> Float[Tensor, "n movies"]:
        """Return the log-odds of each movie to come next, up to a constant."""
        return encoded @ self.movies.weight[:-1].T


@dataclass(frozen=True)
class SasrecRanker:
    """Scores the movies with a fitted network."""

    network: Network
    params: Params
    movies: Int64[np.ndarray, " frequent"]
    """Ascending rows of the movies that the network knows."""
    n_movies: int

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the log-odds of each movie to come next; unknown movies come last."""
        position = positions(self.movies, self.n_movies)[query.history]
        history = position[position >= 0][-self.params.length :]
        scores = np.zeros(self.n_movies, np.float32)
        if len(history):
            with torch.inference_mode():
                encoded = self.network(torch.from_numpy(history)[None])[0, -1:]
                logits = self.network.logits(encoded)[0].numpy()
            scores[:] = logits.min() - 1
            scores[self.movies] = logits
        return scores

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return zeros: the score is not a sum over the history."""
        return np.zeros((len(movies), len(query.history)), np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the network's weights, and what it is built from."""
        weights = {name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        sizes = np.array([self.params.dim, self.params.blocks, self.params.length])
        return {"movies": self.movies, "n_movies": np.array(self.n_movies), "sizes": sizes, **weights}


def restore(arrays: Mapping[str, np.ndarray]) -> SasrecRanker:
    """Build the ranker from its ``arrays``."""
    dim, blocks, length = (int(size) for size in arrays["sizes"])
    params = Params(dim=dim, blocks=blocks, length=length, dropout=0, epochs=1)
    network = Network(len(arrays["movies"]), params)
    network.load_state_dict({name: torch.tensor(arrays[name]) for name in network.state_dict()})
    return SasrecRanker(network.eval(), params, arrays["movies"], int(arrays["n_movies"]))


def fit(inputs: RankerInputs, params: Params) -> SasrecRanker:
    """Fit the network on all positions of all histories."""
    movies = frequent_movies(inputs.ratings)
    sequences = torch.from_numpy(split_histories(inputs.ratings, movies, params.length))
    rng = torch.Generator().manual_seed(inputs.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(inputs.seed)
        network = Network(len(movies), params)
        optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
        for _ in range(params.epochs):
            for batch in torch.randperm(len(sequences), generator=rng).split(BATCH_SIZE):
                optimizer.zero_grad()
                _loss(network, sequences[batch]).backward()
                optimizer.step()
    return SasrecRanker(network.eval(), params, movies, inputs.ratings.n_movies)


def _loss(network: Network, sequences: Int64[Tensor, "batch length"]) -> Float[Tensor, ""]:
    target = sequences[:, 1:]
    is_movie = target < network.movies.num_embeddings - 1
    encoded = network(sequences[:, :-1])[is_movie]
    return cross_entropy(network.logits(encoded), target[is_movie])


def split_histories(
    ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"], length: int
) -> Int64[np.ndarray, "sequences length"]:
    """Cut the histories into rows of ``length`` + 1 movies that share their ends, from the newest back.

    Args:
        ratings: ordered by user and time.
        movies: ascending rows of the movies that count.
        length: movies before the last target.

    Returns:
        Positions in ``movies``; padding behind a history is their number.
    """
    position = positions(movies, ratings.n_movies)[ratings.movie_row]
    is_frequent = position >= 0
    _, start = np.unique(ratings.user[is_frequent], return_index=True)
    rows = []
    for history in np.split(position[is_frequent], start[1:]):
        for end in range(len(history), 1, -length):
            part = history[max(end - length - 1, 0) : end]
            rows.append(np.pad(part, (0, length + 1 - len(part)), constant_values=len(movies)))
    return np.array(rows, np.int64).reshape(-1, length + 1)
