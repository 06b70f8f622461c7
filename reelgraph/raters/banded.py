"""The attention rater over whole histories: all targets of some users in one pass, in blocks along a band.

A target sees its user's last ``window`` ratings, so that in the square of all ratings with all others only
a band below the diagonal counts. Users stand one after another without padding, and are cut into blocks; a
block of targets meets its own ratings and those of the block before. Equal to ``AttentionRater`` a target at
a time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding, linear, one_hot

from reelgraph.histories.arrays import Histories
from reelgraph.histories.ratings import scaled
from reelgraph.raters.attention import HEAD_WEIGHT, AttentionRater
from reelgraph.stars import N_CODES, from_codes, to_scaled

SMALLEST_BLOCK = 32
SCALED = to_scaled(from_codes(torch.arange(1, N_CODES + 1, dtype=torch.float32)))
"""The ten half stars."""


@dataclass(frozen=True)
class Stretch:
    """Ratings of some users, one user's after another."""

    movies: Int64[Tensor, " movies"]
    """Rows of the movies that occur."""
    movie: Int64[Tensor, " places"]
    """Which of them."""
    code: Int64[Tensor, " places"]
    """Half-star code, counted from 0."""
    first: Int64[Tensor, " places"]
    """Place of the user's first rating here."""
    target: Int64[Tensor, " targets"]
    """Places that are targets."""
    rating: Float[Tensor, " targets"]
    """Their scaled ratings."""

    def to(self, device: torch.device) -> Stretch:
        """Return the stretch on a device."""
        return Stretch(*(getattr(self, each.name).to(device) for each in fields(self)))


def stretch(histories: Histories, index: Int64[np.ndarray, " targets"], window: int) -> Stretch:
    """Lay out the targets at ``index`` with what each sees: of every user one stretch of ratings.

    Args:
        histories: everybody's ratings; none of the targets lies beyond its user's limit.
        index: ascending.
        window: ratings that a target sees.
    """
    user, first_of = np.unique(histories.users_of(index), return_index=True)
    last = index[np.append(first_of[1:], len(index)) - 1]
    low = np.maximum(histories.offsets[user], index[first_of] - window)
    length = last + 1 - low
    first = np.cumsum(length) - length
    place = np.arange(length.sum()) + np.repeat(low - first, length)
    movies, movie = np.unique(histories.movie_row[place], return_inverse=True)
    within = index + np.repeat(first - low, np.diff(np.append(first_of, len(index))))
    return Stretch(
        movies=torch.from_numpy(movies.astype(np.int64)),
        movie=torch.from_numpy(movie),
        code=torch.from_numpy(histories.code[place].astype(np.int64) - 1),
        first=torch.from_numpy(np.repeat(first, length)),
        target=torch.from_numpy(within),
        rating=torch.from_numpy(scaled(histories, index)),
    )


def predict_all(rater: AttentionRater, given: Stretch, window: int) -> Float[Tensor, " targets"]:
    """Predict the scaled ratings of all targets of a stretch; in training mode with drop-out."""
    hidden, block = rater.query.out_features, max(SMALLEST_BLOCK, window)
    query, key, value, asked = _projected(rater, given, block).split(hidden, dim=2)
    codes = rater.rating_code(SCALED.to(query).unsqueeze(0))[0]
    scores = query @ _with_last(key).transpose(1, 2) / hidden**0.5
    seen = band(given.first, window, block)
    weights = torch.softmax(scores.masked_fill(~seen, torch.finfo(scores.dtype).min), dim=-1) * seen
    weights = dropout(weights, rater.dropout, rater.training)
    by_code = weights @ _with_last(_blocks(one_hot(given.code, N_CODES).float(), block))
    of_code = linear(codes, rater.value.weight[:, -hidden:])
    context = (weights @ _with_last(value) + by_code @ of_code).flatten(0, 1)[given.target]
    first, *rest = rater.head.children()
    assert isinstance(first, nn.Linear)
    head = linear(context, first.weight[:, :hidden]) + asked.flatten(0, 1)[given.target]
    for layer in rest:
        head = layer(head)
    bias = rater.bias(by_code.flatten(0, 1)[given.target] @ codes)
    return (HEAD_WEIGHT * head + (1 - HEAD_WEIGHT) * bias).squeeze(-1)


def _projected(
    rater: AttentionRater, given: Stretch, block: int
) -> Float[Tensor, "blocks block four_hidden"]:
    """Project each movie once: query, key, its part of the value, the query's part of the head."""
    vectors, hidden = rater.movies[given.movies], rater.query.out_features
    query = rater.query(vectors)
    value = linear(vectors, rater.value.weight[:, :-hidden], rater.value.bias)
    first = next(rater.head.children())
    assert isinstance(first, nn.Linear)
    asked = linear(query, first.weight[:, hidden:], first.bias)
    of_movie = torch.cat([query, rater.key(vectors), value, asked], dim=1)
    return _blocks(embedding(given.movie, of_movie), block)


def band(first: Int64[Tensor, " places"], window: int, block: int) -> Bool[Tensor, "blocks block two_blocks"]:
    """Tell which ratings of its own block and the one before each place sees."""
    starts = torch.arange(0, len(first), block, device=first.device).view(-1, 1, 1)
    place = starts + torch.arange(block, device=first.device).unsqueeze(1)
    seen = starts - block + torch.arange(2 * block, device=first.device)
    lowest = torch.maximum(place - window, _blocks(first.unsqueeze(1), block))
    return (seen < place) & (seen >= lowest)


def _blocks(rows: Tensor, block: int) -> Tensor:
    """Cut rows into blocks, the last one filled up with zeros."""
    missing = -len(rows) % block
    return torch.cat([rows, rows.new_zeros(missing, rows.shape[1])]).view(-1, block, rows.shape[1])


def _with_last(blocks: Tensor) -> Tensor:
    """Put before each block the one before it; zeros before the first."""
    last = torch.cat([torch.zeros_like(blocks[:1]), blocks[:-1]])
    return torch.cat([last, blocks], dim=1)
