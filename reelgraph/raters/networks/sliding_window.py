"""The attention rater over whole histories: predicts all targets of some users in one pass.

A target attends to the last ``window`` ratings of its user. Of the square matrix of attention scores only a
band below the diagonal is needed, and ``reelgraph.raters.networks.sliding_window_attention`` computes it in
blocks. The predictions equal those of ``AttentionRater``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import cast

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
"""Columns for the half-star codes: matrix products are fast for multiples of this width."""

CACHE_LINE = 32
"""bfloat16 values per cache line: products of rows of a multiple of it take 0.6 of the time."""

SHAPE_MULTIPLE = 256
"""In bfloat16, rows are padded to a multiple of this: oneDNN compiles a product for each new shape."""

NORMALIZED_CODES = normalize_stars(codes_to_stars(torch.arange(1, N_CODES + 1, dtype=torch.float32)))
"""The normalized ratings of the ten half-star codes."""


@dataclass(frozen=True)
class PackedHistories:
    """Ratings of several users in one array, one user after another."""

    movie: Int64[Tensor, " rows"]
    """Movie rows."""
    code: Int64[Tensor, " rows"]
    """Half-star codes minus 1."""
    first: Int64[Tensor, " rows"]
    """Row of the user's first rating in these arrays."""
    target: Int64[Tensor, " targets"]
    """Rows of the targets."""

    def to(self, device: torch.device) -> PackedHistories:
        """Return a copy on a device."""
        return PackedHistories(*(getattr(self, field.name).to(device) for field in fields(self)))


def pack_histories(
    histories: UserHistories, index: Int64[np.ndarray, " targets"], window: int, multiple: int = 1
) -> PackedHistories:
    """Pack the targets at ``index`` and the ratings that they attend to.

    Args:
        histories: all ratings. Each target must lie within its user's history.
        index: indices of the targets, ascending.
        window: number of ratings that a target attends to.
        multiple: rows and targets are padded with zeros to a multiple of this.
    """
    user, first_target = np.unique(histories.users_of(index), return_index=True)
    last = index[np.append(first_target[1:], len(index)) - 1]
    start = np.maximum(histories.offsets[user], index[first_target] - window)
    length = last + 1 - start
    first = np.cumsum(length) - length
    rating = np.arange(length.sum()) + np.repeat(start - first, length)
    target = index + np.repeat(first - start, np.diff(np.append(first_target, len(index))))
    code = histories.half_star_code[rating].astype(np.int64) - 1
    columns = (histories.movie_row[rating], code, np.repeat(first, length), target)
    return PackedHistories(
        *(_pad_rows(torch.from_numpy(column.astype(np.int64)), multiple) for column in columns)
    )


def _pad_rows(rows: Int64[Tensor, " rows"], multiple: int) -> Int64[Tensor, " padded"]:
    return pad(rows, (0, -len(rows) % multiple))


class SlidingWindowRater:
    """Predicts the targets of packed histories as an attention rater does, whose movie vectors are fixed."""

    def __init__(self, rater: AttentionRater, window: int, dtype: torch.dtype) -> None:
        """Make the forward pass.

        Args:
            rater: the network; its weights may change later.
            window: number of ratings that a target attends to.
            dtype: dtype of matrix products.
        """
        movies = rater.movies
        self.rater = rater
        self.window = window
        self.dtype = dtype
        self.hidden_dim = rater.query.out_features
        self.dim = movies.shape[1]
        self.mask = WindowMask(window, movies.device, dtype)
        # A column of ones holds the biases' weights: their sums and gradients come with the product.
        self.content = self._pad_columns(pad(movies, (0, 1), value=1))
        self.code = torch.eye(N_CODES, PADDED_CODES, dtype=dtype, device=movies.device)

    def forward_histories(
        self, histories: UserHistories, index: Int64[np.ndarray, " targets"]
    ) -> Float[Tensor, " targets"]:
        """Predict the normalized ratings at ``index``; see ``pack_histories``."""
        multiple = SHAPE_MULTIPLE if self.dtype == torch.bfloat16 else 1
        packed = pack_histories(histories, index, self.window, multiple)
        return self(packed.to(self.rater.movies.device))[: len(index)]

    def __call__(self, packed: PackedHistories) -> Float[Tensor, " targets"]:
        """Predict the normalized ratings of all targets; with dropout if the rater is in training mode."""
        dropout = FastDropout(self.rater.dropout if self.rater.training else 0.0)
        attended, code_weights = self._attend(packed, dropout)
        codes = self.rater.rating_embedding(NORMALIZED_CODES.to(self.rater.movies).unsqueeze(0))[0]
        bias = cast("nn.Linear", self.rater.bias[0])
        sigmoid = self.rater.bias[1]
        code_bias = pad(bias.weight @ codes.T * dropout.scale, (0, PADDED_CODES - N_CODES))
        head_logit = self._head(attended, codes, dropout)
        bias_logit = linear(code_weights, code_bias.to(self.dtype)) + bias.bias
        head = sigmoid(head_logit.float())
        predictions = HEAD_WEIGHT * head + (1 - HEAD_WEIGHT) * sigmoid(bias_logit.float())
        # Selecting targets from the predictions is faster than selecting rows before the head.
        return predictions.squeeze(1).index_select(0, packed.target)

    def _attend(
        self, packed: PackedHistories, dropout: FastDropout
    ) -> tuple[Float[Tensor, "rows attended"], Float[Tensor, "rows codes"]]:
        """Return each row's query, mean value and mean code side by side; and the mean code again.

        The values lack the part of the rating embeddings.
        """
        mask_bias, is_visible = self.mask(packed.first)
        movie = self.mask.split_blocks(packed.movie).flatten()
        code = self.mask.split_blocks(packed.code).flatten()
        projected = linear(self.content.index_select(0, movie), self._projection())
        dropout_mask = dropout.mask(mask_bias.shape, is_visible.device).mul_(is_visible).to(self.dtype)
        blocks = (-1, self.mask.block_size)
        attended, code_weights = SlidingWindowAttention.apply(
            projected.unflatten(0, blocks),
            self.code.index_select(0, code).unflatten(0, blocks),
            mask_bias,
            dropout_mask,
        )
        return attended.flatten(0, 1), code_weights.flatten(0, 1)

    def _projection(self) -> Float[Tensor, "three_hidden content"]:
        """Return the matrix that maps content to query, key and value."""
        query, key, value = self.rater.query, self.rater.key, self.rater.value
        weight = torch.cat([query.weight, key.weight, value.weight[:, : self.dim]])
        bias = torch.cat([query.bias, key.bias, value.bias])
        return self._pad_columns(torch.cat([weight, bias.unsqueeze(1)], dim=1))

    def _pad_columns(self, rows: Float[Tensor, "rows width"]) -> Float[Tensor, "rows content"]:
        return pad(rows, (0, -rows.shape[1] % CACHE_LINE)).to(self.dtype)

    def _head(
        self,
        attended: Float[Tensor, "rows attended"],
        codes: Float[Tensor, "codes hidden"],
        dropout: FastDropout,
    ) -> Float[Tensor, "rows 1"]:
        """Return the head's output before its sigmoid."""
        first, second, last = (layer for layer in self.rater.head if isinstance(layer, nn.Linear))
        context, query = first.weight.split(self.hidden_dim, dim=1)
        code_weight = context @ self.rater.value.weight[:, self.dim :] @ codes.T
        context = torch.cat([context, code_weight], dim=1)
        context = pad(context * dropout.scale, (0, PADDED_CODES - N_CODES))
        hidden = self._linear(attended, torch.cat([query, context], dim=1), first.bias)
        hidden = ReluDropout.apply(hidden, dropout.mask(hidden.shape, hidden.device).to(self.dtype))
        hidden = self._linear(hidden, second.weight * dropout.scale, second.bias).relu()
        return self._linear(hidden, last.weight, last.bias)

    def _linear(
        self,
        rows: Float[Tensor, "rows width"],
        weight: Float[Tensor, "out width"],
        bias: Float[Tensor, " out"],
    ) -> Float[Tensor, "rows out"]:
        return linear(rows, weight.to(self.dtype), bias.to(self.dtype))
