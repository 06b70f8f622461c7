"""The report page: its text, tables, charts and map data."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from reelgraph.core.schemas.reports import TABLES
from reelgraph.report import charts, cold_movies, inputs, movies, results, tables, usage
from reelgraph.report.build import SECTIONS, build_report, summarize
from reelgraph.report.inputs import NOT_RUN, OTHER_DATA
from reelgraph.report.labels import join_words, label, signed, span
from reelgraph.runtime.atomic_io import write_json
from tests.helpers import report_samples

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Nesting(HTMLParser):
    """Holds every tag against the one that opened it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(page: str) -> Nesting:
    reader = Nesting()
    reader.feed(page)
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    return reader


@pytest.fixture(scope="module")
def page() -> str:
    return build_report(report_samples.inputs(300))


def test_build_report_is_self_contained(page: str) -> None:
    reader = parsed(page)
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(reader.ids)
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page) == []
    assert re.findall(r"url\((?!#)", page) == []
    assert "http" not in page


def test_build_report_shows_the_summary(page: str) -> None:
    text = unescape(page)
    assert all(sentence in text for sentence in summarize(report_samples.inputs(300)))


def test_build_report_labels_figures_and_tables(page: str) -> None:
    assert len(re.findall("<svg [^>]*role=.img.", page)) == len(re.findall("<figure>", page)) > 12
    assert all(re.search('aria-label="[^"]+"', tag) for tag in re.findall("<svg [^>]*role=.img.[^>]*>", page))
    assert len(re.findall("<table>", page)) == len(re.findall("<caption>[^<]+</caption>", page)) > 12
    assert "nan" not in re.sub(r"<script.*?</script>", "", page, flags=re.S).lower().replace("finance", "")


def test_build_report_escapes_titles(page: str) -> None:
    assert "<b>Bold</b>" not in page
    data = re.search(r'id="atlas-data">(.*?)</script>', page, flags=re.S)
    assert json.loads(data.group(1))["titles"][5] == "<b>Bold</b> & 'quoted'"


@pytest.mark.parametrize("count", [1, 2, 11])
def test_build_report_of_few_movies_without_studies(count: int) -> None:
    sample = report_samples.inputs(
        count, report_samples.NO_STUDIES, slices={}, ranking={}, calibration={}, perturbations={}, links={}
    )
    text = " ".join(parsed(build_report(sample)).text)
    for target in ("make external-baselines", "make study-ablation", "make study-probe"):
        assert target in text
    assert "Not measured in this run." in text


def rater_and(baseline: dict) -> dict[str, dict]:
    rater = tables.all_models(report_samples.inputs(3))["rater"]
    models = {"rater": rater, "bias": baseline}
    return dict(sorted(models.items(), key=lambda item: item[1]["rmse"]))


def test_summarize_models_names_worse_equal_and_better_models() -> None:
    summary = " ".join(results.summarize_models(tables.all_models(report_samples.inputs(3))))
    assert "an RMSE of 0.870 stars (95 % interval 0.830 to 0.910) and an MAE of 0.670." in summary
    assert "significantly worse than Bayesian FM." in summary
    assert "difference to damped biases and biases + last residuals is not significant" in summary
    assert "significantly better than SVD++, user mean and global mean" in summary


def test_summarize_models_names_the_nearest_of_the_models_that_are_all_worse() -> None:
    better = results.summarize_models(rater_and(report_samples.model(0.9, -0.05, -0.01)))
    assert (
        "the nearest, damped biases, has an RMSE of 0.900 (rater minus model: −0.050 to −0.010)" in better[1]
    )
    worse = results.summarize_models(rater_and(report_samples.model(0.8, 0.02, 0.05)))
    assert worse[1:] == [
        "It is significantly worse than damped biases.",
        "It is not significantly better than any model.",
    ]


def test_summarize_slices_distinguishes_significant_differences() -> None:
    slices = report_samples.metrics()["slices"]
    worse = "It is significantly worse than matrix factorisation on training ratings of the movie: unseen."
    assert results.summarize_slices(slices) == worse
    higher = results.summarize_slices({"history": slices["history"]})
    assert higher.endswith("higher, but not significantly, on ratings before the target: 10 to 29.")
    small_bin = slices["popularity"]["unseen"] | {"n_targets": results.MIN_BIN_TARGETS - 1}
    assert results.summarize_slices({"popularity": {"unseen": small_bin}}) == ""
    assert "at most that of" in results.summarize_slices({"rating": slices["rating"]})


def test_summarize_ranking_groups_orders_by_their_verdicts() -> None:
    ranking = report_samples.metrics()["ranking"]
    ranking["popularity"] |= {
        "ndcg_10_diff_low": -0.01, "ndcg_10_diff_high": 0.04, "recall_20_diff_low": -0.05, "recall_20_diff_high": -0.01,
    }  # fmt: skip
    assert usage.summarize_ranking(ranking) == (
        "The order of the ranker has NDCG@10 of 0.050 and recall@20 of 0.090. Against popularity, "
        "its NDCG@10 is not significantly different, its recall@20 is significantly worse."
    )
    ranking["popularity"] |= {
        "ndcg_10_diff_low": 0.001,
        "recall_20_diff_low": 0.001,
        "recall_20_diff_high": 0.02,
    }
    ranking["ease"] = ranking["popularity"]
    assert usage.summarize_ranking(ranking).endswith(
        "Against popularity and EASE, its NDCG@10 and recall@20 are significantly better."
    )


def test_slice_tables_show_no_verdict_on_few_targets() -> None:
    few = {"n_targets": 29, "rmse": 1.0, "mae": 0.8, "baseline": "bias", "baseline_rmse": 0.5}
    slices = {
        "rating": {"0.5": few},
        "popularity": {"unseen": report_samples.metrics()["slices"]["popularity"]["unseen"]},
    }
    rating, popularity = tables.slice_tables(slices, "damped biases")
    assert rating.rows[0][-2:] == ("–", "–")
    assert popularity.rows[0][-1] == "worse"
    page = build_report(report_samples.inputs(3, slices=slices))
    assert "significantly worse than damped biases on training ratings of the movie: unseen." in page


def test_cold_movies_table_shows_coverage_and_the_best_baseline_of_a_row() -> None:
    unseen, few, _ = cold_movies.cold_movies_table(report_samples.inputs(3)).rows
    best = label("content_ridge")
    assert unseen == ("unseen", "42", "1.100", "−0.020", "79 %", best, "1.000", "+0.010", "worse")
    assert few[4] == "–"  # no probabilities


def test_build_report_shows_every_section_in_order(page: str) -> None:
    keys = [section(report_samples.inputs(3)).key for section in SECTIONS]
    assert re.findall(r'<section id="([^"]*)"', page) == keys


def test_draw_intervals_uses_the_colours_of_the_page() -> None:
    svg = charts.draw_intervals([charts.IntervalRow("a <b>", 1.0, 0.5, 1.5)], "stars", "A chart")
    assert "var(--s0)" in svg
    assert re.findall("#[0-9a-f]{6}", svg) == []
    assert "<title>a &lt;b&gt;: 1.000 (0.500 to 1.500)</title>" in svg


@pytest.mark.parametrize("losses", [[0.0, 0.0], [0.0, 2.0]])
def test_draw_curves_on_a_log_axis_accepts_zeros(losses: list[float]) -> None:
    svg = charts.draw_curves({"kg_gnn": list(enumerate(losses))}, "epoch", "loss", "A chart", log=True)
    assert "kg_gnn: 0" in svg


def test_nested_table_shows_intervals() -> None:
    row = {
        "ndcg_10": 0.05,
        "ndcg_10_low": 0.04,
        "ndcg_10_high": 0.06,
        "minus_low": -0.1,
        "minus_high": 0.2,
        "n": 1200,
    }
    result = tables.nested_table({"rater": row, "popularity": {"n": 3}}, "caption", "model")
    assert result.header == ("model", "NDCG@10", "minus", "n")
    assert result.rows[0] == ("rater", "0.050 (0.040 to 0.060)", "−0.100 to +0.200", "1,200")
    assert result.rows[1] == ("popularity", "–", "–", "3")


def test_embedding_tables_start_with_raw_vectors() -> None:
    result = list(tables.embedding_tables({"text": {"centred": {"hubness": 0.5}, "raw": {"hubness": 1.5}}}))
    assert [table.caption for table in result] == ["Vectors raw", "Vectors centred"]
    assert result[0].header == ("statistic", "text")
    assert result[0].rows == [("hubness", "1.500")]


def test_span_signed_and_join_words() -> None:
    assert span(-0.0123, 0.5, 2, sign=True) == "−0.01 to +0.50"
    assert signed(None) == "–"
    assert [join_words(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_map_json_has_one_scale() -> None:
    import base64

    catalog, layout = report_samples.movie_map(500)
    alternative_titles = [["The Postman", "Postman"], *([[]] * 499)]
    payload = json.loads(movies.map_json(catalog, layout, alternative_titles))
    assert payload["others"] == {"0": ["The Postman", "Postman"]}
    x, y = (np.frombuffer(base64.b64decode(payload[key]), "<u2").astype(float) for key in "xy")
    assert max(np.ptp(x), np.ptp(y)) == 65535
    steps = 65535 / max(np.ptp(layout.x), np.ptp(layout.y))
    assert np.allclose(x - x[0], (layout.x - layout.x[0]) * steps, atol=1.01)
    assert np.allclose(y - y[0], (layout.y - layout.y[0]) * steps, atol=1.01)
    near = np.frombuffer(base64.b64decode(payload["neighbours"]), "<u4").reshape(500, payload["nearest"])
    assert np.array_equal(near, layout.neighbours)
    assert payload["titles"][6] == "Unknown (43)"
    genre = np.frombuffer(base64.b64decode(payload["genre"]), "u1")
    assert payload["genres"][genre[5]] == "no genre"
    counts = np.bincount(genre)[:-1]
    assert counts.tolist() == sorted(counts, reverse=True)


def test_read_other_titles_of_a_movielens_data_set(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\n1,"Postman, The (Postino, Il) (1994)",Drama\n2,Heat (1995),Crime\n',
        encoding="utf-8",
    )
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,5\n")
    table = pa.table({"movie_id": [1, 2, 3], "original_title": ["Il Postino", "Heat", None]})
    assert movies.read_other_titles(str(tmp_path), table) == [["The Postman"], [], []]
    assert movies.read_other_titles("", table) == [[], [], []]


def test_build_report_tells_what_was_converted() -> None:
    sample = report_samples.inputs(3)
    data = sample.metrics["data"] | {"ingest": {"conversions": {"user_ids_from_text": 3}}}
    metrics = {**sample.metrics, "data": data}
    page = build_report(replace(sample, metrics=metrics))
    assert "conversions: user ids from text" in page


def test_read_studies_leaves_out_other_targets(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    predictions = report_samples.inputs(3).predictions
    figures = {"gp-none-none": {"val_rmse": 0.9}}
    result = {"targets": inputs.target_fingerprint(predictions), "stale": True, "figures": figures}
    write_json({"ablation": result}, path)
    studies = inputs.read_studies(path, predictions)
    assert studies["ablation"] == inputs.Study(figures, "", True)
    assert studies["probe"].problem == NOT_RUN
    for other in (predictions.slice(1), predictions.set_column(2, "rating", predictions["prediction"])):
        assert inputs.read_studies(path, other)["ablation"] == inputs.Study({}, OTHER_DATA, False)
    worse = predictions.set_column(3, "prediction", predictions["rating"])
    assert inputs.read_studies(path, worse)["ablation"].problem == ""


def test_the_report_reads_all_tables() -> None:
    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    entries = [entry for stage in stages.values() for entry in stage.get("do", stage).get("plots", [])]
    written = {Path(path) for entry in entries for path in entry}
    tables_in_git = {path.stem for path in written if path.is_relative_to("reports")}
    assert tables_in_git == set(TABLES)
    assert "reports" in stages["report"]["deps"]


def test_label_of_one_key_and_of_several() -> None:
    assert label("kg_gnn, top_removed") == "kg_gnn, top removed"
    assert label("val_rmse") == "validation RMSE"
