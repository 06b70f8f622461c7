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
from torch.nn.functional import embedding, linear, pad

from reelgraph.histories.arrays import Histories
from reelgraph.raters.attention import HEAD_WEIGHT, AttentionRater
from reelgraph.stars import N_CODES, from_codes, to_scaled

SMALLEST_BLOCK = 32
LEVELS = 1 << 16
"""Steps in which drop-out knows its share."""

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

    def to(self, device: torch.device) -> Stretch:
        """Return the stretch on a device."""
        return Stretch(*(getattr(self, each.name).to(device) for each in fields(self)))


def stretch(
    histories: Histories, index: Int64[np.ndarray, " targets"], window: int, multiple: int = 1
) -> Stretch:
    """Lay out the targets at ``index`` with what each sees: of every user one stretch of ratings.

    Args:
        histories: everybody's ratings; none of the targets lies beyond its user's limit.
        index: ascending.
        window: ratings that a target sees.
        multiple: movies, places and targets are filled up with zeros to a multiple of this number.
    """
    user, first_of = np.unique(histories.users_of(index), return_index=True)
    last = index[np.append(first_of[1:], len(index)) - 1]
    low = np.maximum(histories.offsets[user], index[first_of] - window)
    length = last + 1 - low
    first = np.cumsum(length) - length
    place = np.arange(length.sum()) + np.repeat(low - first, length)
    movies, movie = np.unique(histories.movie_row[place], return_inverse=True)
    within = index + np.repeat(first - low, np.diff(np.append(first_of, len(index))))
    laid = (movies, movie, histories.code[place].astype(np.int64) - 1, np.repeat(first, length), within)
    return Stretch(*(_filled(torch.from_numpy(each.astype(np.int64)), multiple) for each in laid))


def _filled(rows: Int64[Tensor, " rows"], multiple: int) -> Int64[Tensor, " filled"]:
    return pad(rows, (0, -len(rows) % multiple))


def predict_all(rater: AttentionRater, given: Stretch, window: int) -> Float[Tensor, " targets"]:
    """Predict the scaled ratings of all targets of a stretch; in training mode with drop-out."""
    hidden = rater.query.out_features
    of_movie, asked = _projected(rater, given)
    context, by_code = _attended(rater, given, of_movie, window)
    codes = rater.rating_code(SCALED.to(context).unsqueeze(0))[0]
    context = context + by_code @ linear(codes, rater.value.weight[:, -hidden:])
    (first, *rest), (taste, sigmoid) = rater.head.children(), rater.bias.children()
    assert isinstance(first, nn.Linear)
    assert isinstance(taste, nn.Linear)
    head = linear(context, first.weight[:, :hidden]) + embedding(given.movie[given.target], asked)
    for layer in rest:
        head = _dropped(head, rater) if isinstance(layer, nn.Dropout) else layer(head)
    bias = sigmoid(linear(by_code, linear(codes, taste.weight).T, taste.bias))
    return (HEAD_WEIGHT * head + (1 - HEAD_WEIGHT) * bias).squeeze(-1)


def _attended(
    rater: AttentionRater, given: Stretch, of_movie: Float[Tensor, "movies three_hidden"], window: int
) -> tuple[Float[Tensor, "targets hidden"], Float[Tensor, "targets codes"]]:
    """Return what targets attend to: the mean of the values, without the codes' part; each code's weight."""
    hidden, block = rater.query.out_features, max(SMALLEST_BLOCK, window)
    # Each in one piece, as products would make a copy of it each time else.
    query, key, value = (
        part.contiguous() for part in embedding(_blocks(given.movie, block), of_movie).split(hidden, dim=2)
    )
    rated = embedding(_blocks(given.code, block), torch.eye(N_CODES).to(value))
    # A block meets the one before it, and itself: two products each, instead of copies side by side.
    scores = torch.cat([query[1:] @ key[:-1].mT, query[1:] @ key[1:].mT], dim=2) / hidden**0.5
    seen = band(given.first, window, block)
    weights = torch.softmax(scores.masked_fill(~seen, torch.finfo(scores.dtype).min), dim=-1)
    last, own = (
        part.to(value.dtype).contiguous() for part in _dropped(weights, rater, seen).split(block, dim=2)
    )
    context, by_code = (
        (last @ each[:-1] + own @ each[1:]).flatten(0, 1).index_select(0, given.target)
        for each in (value, rated)
    )
    return context, by_code


def _projected(
    rater: AttentionRater, given: Stretch
) -> tuple[Float[Tensor, "movies three_hidden"], Float[Tensor, "movies hidden"]]:
    """Project each movie once: query, key, its part of the value; the query's part of the head."""
    hidden, of_movie = rater.query.out_features, (rater.query, rater.key, rater.value)
    weight = torch.cat([layer.weight[:, : rater.movies.shape[1]] for layer in of_movie])
    found = linear(
        rater.movies.index_select(0, given.movies), weight, torch.cat([layer.bias for layer in of_movie])
    )
    first = next(rater.head.children())
    assert isinstance(first, nn.Linear)
    return found, linear(found[:, :hidden], first.weight[:, hidden:], first.bias)


def _dropped(values: Tensor, rater: AttentionRater, seen: Tensor | None = None) -> Tensor:
    """Drop out what isn't seen, and as torch does, by 16 random bits a value: in .4 of its time."""
    level = min(round(rater.dropout * LEVELS), LEVELS - 1)
    if not (level and rater.training):
        return values if seen is None else values * seen
    drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device).random_(
        -(2**63), None
    )
    kept = drawn.view(torch.int16)[: values.numel()].view(values.shape) >= level - LEVELS // 2
    return values * ((kept if seen is None else kept & seen) * (LEVELS / (LEVELS - level)))


def band(first: Int64[Tensor, " places"], window: int, block: int) -> Bool[Tensor, "blocks block two_blocks"]:
    """Tell which ratings of its own block and the one before each place sees."""
    own, both = (torch.arange(count, device=first.device) for count in (block, 2 * block))
    starts = torch.arange(0, len(first), block, device=first.device).view(-1, 1, 1)
    lowest = torch.maximum(starts + own.unsqueeze(1) - window, _blocks(first, block)[1:].unsqueeze(2))
    return (both < block + own.unsqueeze(1)) & (starts - block + both >= lowest)


def _blocks(rows: Int64[Tensor, " places"], block: int) -> Int64[Tensor, "blocks_plus_1 block"]:
    """Cut rows into blocks after an empty one, the last one filled up: with zeros, which nobody sees."""
    return pad(rows, (block, -len(rows) % block)).view(-1, block)
