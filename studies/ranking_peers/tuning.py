"""Tunes a ranker: the combination of its params with the best NDCG@10 of the validation targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from reelgraph.evaluation import ranking
from reelgraph.rankers.ranker import Ranker, RankerInputs
from reelgraph.rankers.registry import RankerType, find_ranker
from studies.ranking_peers.params import RANKING_PEERS_FILE


@dataclass(frozen=True)
class TunedRanker:
    """A ranker with the best params."""

    type: RankerType
    ranker: Ranker
    """Fitted on training rows."""
    val_ndcg_10: float

    @property
    def setting(self) -> str:
        """The params, such as ``l2=100.0 decay=1.0``; ``-`` without any."""
        return " ".join(f"{name}={value}" for name, value in self.type.params) or "-"


def tune_ranker(
    name: str,
    values: Mapping[str, Sequence[Any]],
    inputs: RankerInputs,
    queries: ranking.RankingQueries,
) -> TunedRanker:
    """Fit the ranker with each combination of values, and return the best; of equal ones the first.

    Args:
        name: the ranker's module.
        values: the values of each param to choose from.
        inputs: training rows.
        queries: users with validation targets.
    """
    best: TunedRanker | None = None
    for setting in combine_values(values):
        ranker_type = find_ranker(name, setting, RANKING_PEERS_FILE, "ranking_peers")
        ranker = ranker_type.fit(inputs)
        rankings = ranking.rank_movies(queries, ranking.ranker_scores(ranker, queries))
        ndcg = float(rankings.watched[:, ranking.METRICS.index("ndcg_10")].mean())
        if best is None or ndcg > best.val_ndcg_10:
            best = TunedRanker(ranker_type, ranker, ndcg)
    assert best is not None
    return best


def combine_values(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield each combination of the params' values."""
    for combination in product(*values.values()):
        yield dict(zip(values, combination, strict=True))
