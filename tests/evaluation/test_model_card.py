from __future__ import annotations

import numpy as np

from reelgraph.evaluation import comparison
from reelgraph.evaluation.model_card import model_card
from reelgraph.params.base import load
from reelgraph.params.evaluation import EvaluateParams
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.rater import Prediction
from reelgraph.sequences.dataset import star_ratings
from tests.helpers.history_strategies import random_histories


def test_model_card_describes_data_errors_and_limitations() -> None:
    histories = random_histories(1, 20, 40, 40)
    params = load(TrainRaterParams)
    config = RaterConfig(model=params.model, gp=params.gp)
    actual = star_ratings(histories, histories.test)
    probabilities = np.full((len(actual), 10), 0.1)
    predictions = dict.fromkeys(("train", "train_val"), Prediction(actual + 1, probabilities))
    evaluation = comparison.evaluate(
        histories, Prediction(star_ratings(histories, histories.val)), predictions, {}, "train_val", 0
    )
    data = load(EvaluateParams).data.model_copy(update={"source": "tables"})
    card = model_card(histories, "train_val", config, evaluation, data)
    rows = int(histories.mask_before(histories.fit_end("train_val")).sum())
    assert f"{rows:,} ratings (training and validation rows of source `tables`)" in card
    assert "by 20 users, 19" in card
    numbered = data.model_copy(update={"order": "file"})
    assert "by 20 users." in model_card(histories, "train_val", config, evaluation, numbered)
    assert "On 20 test targets: RMSE 1.0 stars (95 % interval 1.0 to 1.0), MAE 1.0." in card
    assert "Central 80 % intervals with randomized ends hold " in card
    assert "| rater | 1.0 | 1.0 |" in card
    assert "## Limitations" in card
