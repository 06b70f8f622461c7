"""The model card: what the model is, what it learned from, how good it is, and what it is not for.

After Mitchell et al. 2019, "Model Cards for Model Reporting".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from reelgraph.evaluation.comparison import Evaluation
from reelgraph.params.model import RaterConfig
from reelgraph.raters.registry import find_rater
from reelgraph.sequences.dataset import Fit, UserHistories

LIMITS = """\
- It predicts a rating of a movie that somebody has chosen to watch. It has not seen what people would
  think of movies that they avoid, so a list sorted by it is no measured recommendation.
- The figures are of people like those in the data: volunteers who rated many movies. Others may be
  predicted worse, most of all people with few ratings and movies that few have rated.
- A person's ratings tell about the person. Whoever holds a history holds personal data.
"""


def model_card(
    histories: UserHistories, rows: Fit, config: RaterConfig, judged: Evaluation, source: str
) -> str:
    """Return the card as Markdown.

    Args:
        histories: ratings and targets.
        rows: what the model was fitted on.
        config: the rater's configuration.
        judged: its figures and the baselines'.
        source: the data, as ``data.source`` names them.
    """
    model = config.model
    description = find_rater(model.type).description
    parts = {
        "What it is": f"`{model.type}`: {description}. Movie vectors: `{model.embedding}`.",
        "What it learned from": _data(histories, rows, source),
        "How good it is": _figures(judged),
        "Limits": LIMITS,
    }
    return "# Model card\n\n" + "\n".join(f"## {title}\n\n{text.strip()}\n" for title, text in parts.items())


def _data(histories: UserHistories, rows: Fit, source: str) -> str:
    known = histories.mask_before(histories.fit_end(rows))
    times = histories.timestamp[known]
    first, last = (datetime.fromtimestamp(int(t), UTC).date() for t in (times.min(), times.max()))
    which = "training rows" if rows == "train" else "training and validation rows"
    movies = len(np.unique(histories.movie_row[known]))
    return (
        f"{int(known.sum()):,} ratings ({which} of source `{source}`) of {movies:,} movies by "
        f"{len(histories.user_id):,} people, {first} to {last}."
    )


def _figures(judged: Evaluation) -> str:
    test: Any = judged.rater["test"]
    lines = [
        f"On {test['n_targets']:,} test targets: RMSE {test['rmse']:.4f} stars "
        f"(95 % interval {test['rmse_ci_low']:.4f} to {test['rmse_ci_high']:.4f}), MAE {test['mae']:.4f}.",
        *_coverage(judged.rater),
        "\n| model | RMSE | MAE |\n| --- | --- | --- |",
    ]
    best_first = sorted(judged.bars.items(), key=lambda item: item[1]["rmse"])
    return "\n".join(
        lines + [f"| {name} | {bar['rmse']:.4f} | {bar['mae']:.4f} |" for name, bar in best_first]
    )


def _coverage(rater: Mapping[str, Any]) -> list[str]:
    if "interval" not in rater:
        return []
    found = rater["interval"]
    return [f"Its 80 % intervals held {found['coverage_80']:.1%} of the ratings, its 95 % intervals "
            f"{found['coverage_95']:.1%}."]  # fmt: skip
