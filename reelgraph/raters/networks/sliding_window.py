"""The attention rater over whole histories: all targets of some users in one pass, in blocks along a band.

A target sees its user's last ``window`` ratings, so that in the square of all ratings with all others only
a band below the diagonal counts (``reelgraph.raters.networks.sliding_window_attention``). Equal to ``AttentionRater`` a target at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from reelgraph.core.fast_dropout import FastDropout, ReluDropout
from reelgraph.core.rating_scale import N_CODES, codes_to_stars, normalize_stars
from reelgraph.raters.networks.attention import HEAD_WEIGHT, AttentionRater
from reelgraph.raters.networks.sliding_window_attention import SlidingWindowAttention, WindowMask
from reelgraph.sequences.dataset import UserHistories

PADDED_CODES = 16
"""Columns for the rating codes: products are quick where widths are multiples of this."""

CACHE_LINE = 32
"""Of bfloat16: where rows of a matrix are multiples of it, its products take 0.6 of the time."""

NORMALIZED_CODES = normalize_stars(codes_to_stars(torch.arange(1, N_CODES + 1, dtype=torch.float32)))
"""The ten half stars."""


@dataclass(frozen=True)
class PackedHistories:
    """Ratings of some users, one user's after another."""

    movie: Int64[Tensor, " places"]
    """Its movie's row."""
    code: Int64[Tensor, " places"]
    """Half-star code, counted from 0."""
    first: Int64[Tensor, " places"]
    """Place of the user's first rating here."""
    target: Int64[Tensor, " targets"]
    """Places that are targets."""

    def to(self, device: torch.device) -> PackedHistories:
        """Return the stretch on a device."""
        return PackedHistories(*(getattr(self, each.name).to(device) for each in fields(self)))


def pack_histories(
    histories: UserHistories, index: Int64[np.ndarray, " targets"], window: int, multiple: int = 1
) -> PackedHistories:
    """Lay out the targets at ``index`` with what each sees: of every user one stretch of ratings.

    Args:
        histories: everybody's ratings; none of the targets lies beyond its user's limit.
        index: ascending.
        window: ratings that a target sees.
        multiple: places and targets are filled up with zeros to a multiple of this number.
    """
    user, first_of = np.unique(histories.users_of(index), return_index=True)
    last = index[np.append(first_of[1:], len(index)) - 1]
    low = np.maximum(histories.offsets[user], index[first_of] - window)
    length = last + 1 - low
    first = np.cumsum(length) - length
    place = np.arange(length.sum()) + np.repeat(low - first, length)
    within = index + np.repeat(first - low, np.diff(np.append(first_of, len(index))))
    code = histories.half_star_code[place].astype(np.int64) - 1
    laid = (histories.movie_row[place], code, np.repeat(first, length), within)
    return PackedHistories(*(_filled(torch.from_numpy(each.astype(np.int64)), multiple) for each in laid))


def _filled(rows: Int64[Tensor, " rows"], multiple: int) -> Int64[Tensor, " filled"]:
    return pad(rows, (0, -len(rows) % multiple))


class SlidingWindowRater:
    """Says of a stretch's targets what an attention rater does; its weights may change, its movies not."""

    def __init__(self, rater: AttentionRater, window: int, dtype: torch.dtype = torch.float32) -> None:
        """Take the rater, how much of a history it sees, and what products are computed in."""
        self.rater, self.dtype, movies = rater, dtype, rater.movies
        self.hidden, self.dim = rater.query.out_features, movies.shape[1]
        self.band = WindowMask(window, movies.device, dtype)
        # Biases are weights of a column of ones, so that their sums and gradients come with the product.
        self.content = self._filled(pad(movies, (0, 1), value=1))
        self.code = torch.eye(N_CODES, PADDED_CODES, dtype=dtype, device=movies.device)

    def __call__(self, given: PackedHistories) -> Float[Tensor, " targets"]:
        """Predict the scaled ratings of all targets of a stretch; in training mode with drop-out."""
        dropping = FastDropout(self.rater.dropout if self.rater.training else 0.0)
        joined, by_code = self._attended(given, dropping)
        codes = self.rater.rating_embedding(NORMALIZED_CODES.to(self.rater.movies).unsqueeze(0))[0]
        taste, sigmoid = self.rater.bias.children()
        assert isinstance(taste, nn.Linear)
        of_code = pad(taste.weight @ codes.T * dropping.scale, (0, PADDED_CODES - N_CODES))
        head, bias = self._head(joined, codes, dropping), linear(by_code, of_code.to(self.dtype)) + taste.bias
        said = HEAD_WEIGHT * sigmoid(head.float()) + (1 - HEAD_WEIGHT) * sigmoid(bias.float())
        # All places have answers: to pick from these takes less than to pick, before, from rows.
        return said.squeeze(1).index_select(0, given.target)

    def _attended(
        self, given: PackedHistories, dropping: FastDropout
    ) -> tuple[Float[Tensor, "places joined"], Float[Tensor, "places codes"]]:
        """Return each place's query beside what it attends to: values without the codes' part, and codes."""
        unseen, sees = self.band(given.first)
        movie, code = (self.band.split_blocks(rows).flatten() for rows in (given.movie, given.code))
        laid = linear(self.content.index_select(0, movie), self._projection())
        kept = dropping.mask(unseen.shape, sees.device).mul_(sees).to(self.dtype)
        blocks = (
            each.unflatten(0, (-1, self.band.block_size)) for each in (laid, self.code.index_select(0, code))
        )
        joined, by_code = SlidingWindowAttention.apply(*blocks, unseen, kept)
        return joined.flatten(0, 1), by_code.flatten(0, 1)

    def _projection(self) -> Float[Tensor, "three_hidden content"]:
        """Return what makes queries, keys and values of content."""
        query, key, value = self.rater.query, self.rater.key, self.rater.value
        weight = torch.cat([query.weight, key.weight, value.weight[:, : self.dim]])
        bias = torch.cat([query.bias, key.bias, value.bias])
        return self._filled(torch.cat([weight, bias.unsqueeze(1)], dim=1))

    def _filled(self, rows: Float[Tensor, "rows width"]) -> Float[Tensor, "rows content"]:
        return pad(rows, (0, -rows.shape[1] % CACHE_LINE)).to(self.dtype)

    def _head(
        self,
        joined: Float[Tensor, "places joined"],
        codes: Float[Tensor, "codes hidden"],
        dropping: FastDropout,
    ) -> Float[Tensor, "places 1"]:
        """Return what the head says, before its sigmoid."""
        first, second, last = (each for each in self.rater.head if isinstance(each, nn.Linear))
        context, query = first.weight.split(self.hidden, dim=1)
        attended = torch.cat([context, context @ self.rater.value.weight[:, self.dim :] @ codes.T], dim=1)
        attended = pad(attended * dropping.scale, (0, PADDED_CODES - N_CODES))
        head = self._linear(joined, torch.cat([query, attended], dim=1), first.bias)
        head = ReluDropout.apply(head, dropping.mask(head.shape, head.device).to(self.dtype))
        head = self._linear(head, second.weight * dropping.scale, second.bias).relu()
        return self._linear(head, last.weight, last.bias)

    def _linear(
        self,
        rows: Float[Tensor, "rows width"],
        weight: Float[Tensor, "out width"],
        bias: Float[Tensor, " out"],
    ) -> Float[Tensor, "rows out"]:
        return linear(rows, weight.to(self.dtype), bias.to(self.dtype))
