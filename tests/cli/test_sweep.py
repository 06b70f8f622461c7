from __future__ import annotations

import re

from reelgraph.app.cli.sweep import Experiment, of_json, page


def run(rev: str, hidden: int, kind: str, val: float, name: str | None = None) -> dict:
    params = {"model": {"hidden_dim": hidden, "type": kind}, "seed": 42}
    return {"rev": rev, "name": name, "data": {
        "params": {"params.yaml": {"data": params}},
        "metrics": {"metrics/rater.json": {"data": {"val": {"rmse": val}, "test": {"rmse": val + 0.01}}}},
    }}  # fmt: skip


SHOWN = [
    {**run("workspace", 1, "gp", 0.1), "experiments": None},
    {**run("a" * 40, 128, "gp", 0.9), "experiments": [
        {"revs": [run("b" * 40, 64, "gp", 0.8, "small")]}, {"revs": [run("c" * 40, 128, "attention", 0.95, "<b>")]},
        {"revs": [{"rev": "d" * 40, "name": "failed", "data": None, "error": {"msg": "x"}}]}, {"revs": []},
    ]},
]  # fmt: skip


def test_experiments_are_read_with_the_params_that_differ_best_first() -> None:
    found = of_json(SHOWN)
    assert [each.name for each in found] == ["small", "aaaaaaa", "<b>"]
    assert found[0] == Experiment("small", {
        "model.hidden_dim": 64, "model.type": "gp", "validation RMSE": 0.8, "test RMSE": 0.81})  # fmt: skip


def test_the_page_has_a_line_an_experiment_at_the_heights_of_its_values() -> None:
    text = page(of_json(SHOWN))
    paths = re.findall(r'<path( class="best")? d="M([^"]+)"><title>([^<]*)', text)
    assert [title for _, _, title in paths] == ["&lt;b&gt;", "aaaaaaa", "small"]
    assert [best for best, _, _ in paths] == ["", "", ' class="best"']
    points = {title: [tuple(map(float, p.split(","))) for p in line.split(" L")] for _, line, title in paths}
    assert all(len(line) == 4 for line in points.values())
    # Larger is higher up, and the ends of an axis are its lowest and highest values.
    assert points["small"][0][1] > points["aaaaaaa"][0][1]
    assert points["small"][2][1] == max(line[2][1] for line in points.values())
    assert "<b>" not in text
    assert "http" not in text
