from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reelgraph.report import inputs, map_data, summary, tables
from reelgraph.report.build import build_report
from reelgraph.report.inputs import NOT_RUN, OTHER_DATA
from reelgraph.report.labels import bin_name, listed, name, signed, span
from reelgraph.report.svg import Scale
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


def test_the_page_is_whole_and_everything_it_links_to_is_in_it(page: str) -> None:
    reader = parsed(page)
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(reader.ids)
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page) == []
    assert "url(" not in page
    assert "http" not in page


def test_the_same_inputs_give_the_same_bytes(page: str) -> None:
    assert build_report(report_samples.inputs(300)) == page


def test_every_figure_has_a_name_and_every_table_a_caption(page: str) -> None:
    assert len(re.findall("<svg [^>]*role=.img.", page)) == len(re.findall("<figure>", page)) > 12
    assert all(re.search('aria-label="[^"]+"', tag) for tag in re.findall("<svg [^>]*role=.img.[^>]*>", page))
    assert len(re.findall("<table>", page)) == len(re.findall("<caption>[^<]+</caption>", page)) > 12
    assert "nan" not in re.sub(r"<script.*?</script>", "", page, flags=re.S).lower().replace("finance", "")


def test_titles_are_escaped(page: str) -> None:
    assert "<b>Bold</b>" not in page
    kept = re.search(r'id="atlas-data">(.*?)</script>', page, flags=re.S)
    assert json.loads(kept.group(1))["titles"][5] == "<b>Bold</b> & 'quoted'"


@pytest.mark.parametrize("count", [1, 2, 11])
def test_a_report_of_few_movies_and_without_studies(count: int) -> None:
    given = report_samples.inputs(
        count, report_samples.NO_STUDIES, slices={}, ranking={}, calibration={}, perturbations={}, links={}
    )
    text = " ".join(parsed(build_report(given)).text)
    for target in ("make external-baselines", "make study-ablation", "make study-probe"):
        assert target in text
    assert "Not measured in this run." in text


def test_verdict_names_winner_chance_and_loser() -> None:
    found = tables.models(
        report_samples.metrics()["rater"],
        report_samples.metrics()["baselines"],
        report_samples.studies()["external_baselines"].figures,
    )
    said = " ".join(summary.verdict(found))
    assert "off by 0.870 stars (RMSE; 95 % interval 0.830 to 0.910), 0.670 on average (MAE)" in said
    assert "loses to Bayesian FM, by more than chance" in said
    assert "damped biases and biases + last residuals is within chance" in said
    assert "beats SVD++, mean of the person and mean of all" in said


def test_verdict_of_a_rater_that_beats_all_names_the_nearest() -> None:
    found = tables.models(
        report_samples.metrics()["rater"], {"bias": report_samples.model(0.9, -0.05, -0.01)}, {}
    )
    assert (
        "the nearest, damped biases, has an RMSE of 0.900 (rater minus it: −0.050 to −0.010)"
        in summary.verdict(found)[1]
    )
    alone = tables.models(
        report_samples.metrics()["rater"], {"bias": report_samples.model(0.8, 0.02, 0.05)}, {}
    )
    assert summary.verdict(alone)[1:] == [
        "It loses to damped biases, by more than chance.",
        "It beats no model by more than chance.",
    ]


def test_losses_are_told_apart_from_chance() -> None:
    slices = report_samples.metrics()["slices"]
    lost = (
        "It loses to matrix factorisation, by more than chance, on ratings of the movie in training: unseen."
    )
    assert summary.losses(slices) == lost
    maybe = summary.losses({"history": slices["history"]})
    few = {"popularity": {"unseen": slices["popularity"]["unseen"] | {"n_targets": summary.FEWEST - 1}}}
    assert "at or below" in summary.losses(few)
    assert maybe.endswith("within chance, on ratings before the target: 10 to 29.")
    assert "at or below" in summary.losses({"rating": slices["rating"]})


def test_ranking_is_told_apart_from_chance() -> None:
    figures = report_samples.metrics()["ranking"]
    figures["popularity"] |= {"ndcg_10_diff_ci_low": -0.01, "ndcg_10_diff_ci_high": 0.04}
    assert "0.050, above that of plain popularity, 0.030, within chance" in summary.ranking(figures)
    figures["rater"]["ndcg_10"] = 0.01
    figures["popularity"]["ndcg_10_diff_ci_high"] = -0.001
    assert "0.010, below that of plain popularity, 0.030, by more than chance" in summary.ranking(figures)


def test_bins_are_in_order_and_in_words() -> None:
    assert bin_name("3_0_to_3_5") == "3.0 to 3.5"
    assert bin_name("under_10") == "under 10"
    assert bin_name("0_5") == "0.5"
    keys = ["300_up", "unseen", "10_to_29", "under_10", "100_to_299"]
    ordered = [key for key, _ in tables.sorted_bins({key: {} for key in keys})]
    assert ordered == ["unseen", "under_10", "10_to_29", "100_to_299", "300_up"]


def test_intervals_stand_beside_their_figure_or_alone() -> None:
    row = {
        "ndcg_10": 0.05,
        "ndcg_10_ci_low": 0.04,
        "ndcg_10_ci_high": 0.06,
        "minus_ci_low": -0.1,
        "minus_ci_high": 0.2,
        "n": 1200,
    }
    found = tables.nested({"rater": row, "popularity": {"n": 3}}, "caption", "model")
    assert found.header == ("model", "NDCG@10", "minus", "n")
    assert found.rows[0] == ("rater", "0.050 (0.040 to 0.060)", "−0.100 to +0.200", "1,200")
    assert found.rows[1] == ("popularity", "–", "–", "3")


def test_raw_vectors_come_first_and_statistics_are_rows() -> None:
    found = list(tables.embeddings({"text": {"centred": {"hubness": 0.5}, "raw": {"hubness": 1.5}}}))
    assert [table.caption for table in found] == ["Vectors raw", "Vectors centred"]
    assert found[0].header == ("statistic", "text")
    assert found[0].rows == [("hubness", "1.500")]


def test_numbers_have_a_real_minus() -> None:
    assert span(-0.0123, 0.5, 2, sign=True) == "−0.01 to +0.50"
    assert signed(None) == "–"
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_places_are_packed_with_one_scale() -> None:
    import base64

    movies, placed = report_samples.movie_map(500)
    found = json.loads(map_data.payload(movies, placed))
    x, y = (np.frombuffer(base64.b64decode(found[key]), "<u2").astype(float) for key in "xy")
    assert max(np.ptp(x), np.ptp(y)) == 65535
    steps = 65535 / max(np.ptp(placed.x), np.ptp(placed.y))
    assert np.allclose(x - x[0], (placed.x - placed.x[0]) * steps, atol=1.01)
    assert np.allclose(y - y[0], (placed.y - placed.y[0]) * steps, atol=1.01)
    near = np.frombuffer(base64.b64decode(found["neighbours"]), "<u4").reshape(500, found["nearest"])
    assert np.array_equal(near, placed.neighbours)
    assert found["titles"][6] == "Unknown (43)"
    genre = np.frombuffer(base64.b64decode(found["genre"]), "u1")
    assert found["genres"][genre[5]] == "no genre"
    counts = np.bincount(genre)[:-1]
    assert counts.tolist() == sorted(counts, reverse=True)


def test_studies_of_other_data_are_left_out(tmp_path: Path) -> None:
    figures = {"svdpp": report_samples.model(0.9)}
    write_json(
        {"external_baselines": {"data": {"users": 3}, "stale": True, "figures": figures}},
        tmp_path / "results.json",
    )
    found = inputs.read_studies(tmp_path / "results.json", {"users": 3})
    assert found["external_baselines"] == inputs.Study(figures, "", True)
    assert found["ablation"].problem == NOT_RUN
    assert (
        inputs.read_studies(tmp_path / "results.json", {"users": 4})["external_baselines"].problem
        == OTHER_DATA
    )


def test_the_report_depends_on_every_figure_that_the_pipeline_measures() -> None:
    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    deps = set(stages["report"]["deps"])
    bodies = [(stage.get("do", stage), stage.get("foreach", [None])) for stage in stages.values()]
    made = {
        path.replace("${key}", str(key)).replace("${item}", str(key))
        for body, keys in bodies for key in keys for entry in body.get("metrics", []) for path in entry
    }  # fmt: skip
    assert made <= deps
    assert {Path(path).stem for path in made} <= set(inputs.METRICS)


def test_names_are_known_words_even_where_two_stand_together() -> None:
    assert name("kg_gnn, top_removed") == "kg_gnn, top removed"
    assert name("val_rmse") == "validation RMSE"


@given(low=st.floats(-5, 5), width=st.floats(1e-3, 10), wanted=st.integers(1, 8))
def test_an_axis_has_two_numbers_or_more_within_it(low: float, width: float, wanted: int) -> None:
    ticks = Scale(low, low + width, 0, 100).ticks(wanted)
    assert 2 <= len(ticks) <= 2 * wanted + 3
    assert low - 1e-6 <= min(ticks) < max(ticks) <= low + width + 1e-6
