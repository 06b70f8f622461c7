from __future__ import annotations

import numpy as np

from reelgraph.evaluation import comparison
from reelgraph.evaluation.model_card import model_card
from reelgraph.params.base import load
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.rater import Prediction
from reelgraph.sequences.dataset import star_ratings
from tests.helpers.history_strategies import random_histories


def test_the_card_says_what_was_learned_from_and_how_good_it_is() -> None:
    people = random_histories(1, 20, 40, 40)
    params = load(TrainRaterParams)
    config = RaterConfig(model=params.model, gp=params.gp)
    actual = star_ratings(people, people.test)
    sure = np.full((len(actual), 10), 0.1)
    said = dict.fromkeys(("train", "train_val"), Prediction(actual + 1, sure))
    judged = comparison.evaluate(
        people, Prediction(star_ratings(people, people.val)), said, {}, "train_val", 0
    )
    card = model_card(people, "train_val", config, judged, "tables")
    rows = int(people.mask_before(people.fit_end("train_val")).sum())
    assert f"{rows:,} ratings (training and validation rows of source `tables`)" in card
    assert "by 20 people, 19" in card
    assert "On 20 test targets: RMSE 1.0000 stars (95 % interval 1.0000 to 1.0000), MAE 1.0000." in card
    assert "80 % intervals held" in card
    assert "| rater | 1.0000 | 1.0000 |" in card
    assert "## Limits" in card
