"""Isolated targets: each target gets a user of its own, so that its history can be changed for it alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from reelgraph.sequences.dataset import UserHistories


@dataclass(frozen=True, kw_only=True)
class IsolatedTargets(UserHistories):
    """One user per target, in the order of the targets: its history, and the target as the last rating.

    Between the two are the user's ratings that the model was fitted on without being in the history, such as
    those of validation movies.
    """

    fitted: Bool[np.ndarray, "ratings"]
    """Ratings that the model was fitted on. Stored per rating, since ratings may be moved."""

    def mask_before(self, end: Int64[np.ndarray, " users"]) -> Bool[np.ndarray, " ratings"]:
        """Return True for each rating before ``end``; for ``train_end`` these are the fitted ratings."""
        return self.fitted if np.array_equal(end, self.train_end) else super().mask_before(end)

    @property
    def is_history(self) -> Bool[np.ndarray, " ratings"]:
        """True for ratings of a history, False for targets and other fitted ratings."""
        mask = super().mask_before(self.history_cap)
        mask[self.test] = False
        return mask


def isolate_targets(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], index: Int64[np.ndarray, " targets"]
) -> IsolatedTargets:
    """Isolate the targets at ``index``; the model was fitted on each user's ratings before ``fit_end``.

    For the result ``isolated``, a rater predicts ``isolated.test`` with ``isolated.train_end`` as it predicts
    ``index`` with ``fit_end``.
    """
    user = histories.users_of(index)
    start = histories.offsets[user]
    end = histories.history_end(index)
    is_beyond_cap = index >= histories.history_cap[user]
    other_fitted = np.where(is_beyond_cap & (index >= fit_end[user]), np.maximum(fit_end[user] - end, 0), 0)
    length = end + other_fitted - start + 1
    offsets = np.concatenate([[0], np.cumsum(length)])
    source = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], length)
    source[offsets[1:] - 1] = index
    fitted = histories.mask_before(fit_end)[source]
    train_end = offsets[:-1] + np.diff(np.concatenate([[0], np.cumsum(fitted)])[offsets])
    no_targets = np.zeros(0, np.int64)
    return IsolatedTargets(
        user_id=np.asarray(histories.user_id)[user],
        offsets=offsets,
        movie_row=np.asarray(histories.movie_row)[source],
        half_star_code=np.asarray(histories.half_star_code)[source],
        timestamp=np.asarray(histories.timestamp)[source],
        train_end=train_end,
        val_end=train_end,
        # A target beyond its user's cap stays there: its history may hold later ratings.
        history_cap=offsets[1:] - np.where(is_beyond_cap, 1 + other_fitted, 0),
        train=no_targets,
        val=no_targets,
        test=offsets[1:] - 1,
        val_movies=histories.val_movies,
        test_movies=histories.test_movies,
        fitted=fitted,
    )
