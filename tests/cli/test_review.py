from __future__ import annotations

from reelgraph.cli.review import _difference, _lock, _metrics, _params


def test_metrics_come_by_importance() -> None:
    change = {"old": 1.0, "new": 1.5, "diff": 0.5}
    diff = {
        "metrics/baselines.json": {"bias.rmse": change},
        "metrics/embeddings.json": {"text.raw.rmse": change},
        "metrics/rater.json": {
            "parameters": change,
            "val.mae": change,
            "test.mae": change,
            "test.rmse": change,
            "test.mse": change,
        },
    }
    rows = list(_metrics(diff))
    assert [row[1] for row in rows] == [
        "`rater.json: test.rmse`", "`rater.json: test.mae`", "`rater.json: test.mse`", "`rater.json: val.mae`",
        "`rater.json: parameters`", "`baselines.json: bias.rmse`", "`embeddings.json: text.raw.rmse`",
    ]  # fmt: skip
    assert rows[0] == ("metric", "`rater.json: test.rmse`", "1", "1.5", "+0.5")


def test_what_came_or_went_has_a_dash() -> None:
    assert list(_metrics({"metrics/links.json": {"gnn.micro.mrr": {"old": None, "new": 0.31234567}}})) == [
        ("metric", "`links.json: gnn.micro.mrr`", "–", "0.312346", "")
    ]
    assert list(_params({"params.yaml": {"gnn.act": {"old": "a|b", "new": None}}})) == [
        ("param", "`gnn.act`", "a\\|b", "–", "")
    ]


def test_stages_say_what_of_them_is_other() -> None:
    old = {"cmd": "python -m stages.map a", "deps": [1], "outs": [1]}
    assert _difference(None, old) == ("–", "new", "")
    assert _difference(old, None) == ("there", "gone", "")
    assert _difference(old, {**old, "deps": [2], "outs": [2]}) == ("", "", "other deps, outs")


def test_the_lock_says_which_stages_are_stale() -> None:
    assert _lock("dvc.yaml", {}) == ("lock", "`dvc.yaml`", "", "up to date", "")
    assert _lock("dvc.yaml", {"map": [], "studies/x/dvc.yaml:run": []})[3] == "stale: map, run"
