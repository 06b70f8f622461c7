"""A bundle answers as its rater does, loads without DVC, and refuses what doesn't fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import reelgraph
from reelgraph.app.bundle.export import write_projector, write_word2vec
from reelgraph.app.bundle.format import read_bundle
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating, build_histories
from reelgraph.app.bundle.results import central_interval, mmr_rerank, top_k
from reelgraph.runtime.errors import ArtifactError, InputError
from tests.helpers import bundle_samples


@pytest.fixture(scope="module", params=["gp", "attention", "transformer"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return reelgraph.load(
        bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("bundle"), request.param)
    )


@pytest.fixture(scope="module")
def gp(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return reelgraph.load(bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("bundle")))


def test_it_predicts_what_the_rater_predicts_of_a_new_user(bundle: Bundle) -> None:
    rater, _, config = bundle_samples.fit_sample_rater(bundle.contents.config.rater.model.type)
    rated = [UserRating(movie - 100, stars) for movie, stars in bundle_samples.sample_history()]
    people = build_histories(rated, [1, 4])
    said = rater.predict(people, people.offsets[:-1], people.test)
    found = bundle.predict(bundle_samples.sample_history(), ["The Matrix (1999)", "Heat (1995)"])
    assert [each.title for each in found] == ["The Matrix", "Heat"]
    np.testing.assert_allclose([each.stars for each in found], said.stars, atol=1e-6)
    assert config.model.type != "gp" or all(each.low <= each.stars <= each.high for each in found)


def test_recommendations_are_the_highest_predictions_of_movies_not_rated(bundle: Bundle) -> None:
    history = bundle_samples.sample_history()
    found = bundle.recommend(history, top=5)
    others = [int(m) for m in bundle.library.movie_ids if m not in dict(history)]
    every = {each.movie_id: each.stars for each in bundle.predict(history, others)}
    best = sorted(every.values(), reverse=True)[:5]
    np.testing.assert_allclose([each.stars for each in found], best, atol=1e-4)
    assert not {each.movie_id for each in found} & set(dict(history))


def test_recommendations_keep_to_genre_year_and_popularity(gp: Bundle) -> None:
    found = gp.recommend(
        bundle_samples.sample_history(), top=40, genre="crime", since=1970, exclude_popular=True
    )
    assert found
    rows = gp.library.find_rows([each.movie_id for each in found])
    assert {gp.library.genres[row] for row in rows if row is not None} == {"Crime"}
    assert all(each.year is not None and each.year >= 1970 for each in found)
    assert max(gp.library.rating_counts[row] for row in rows if row is not None) <= np.quantile(
        gp.library.rating_counts, 0.9
    )
    with pytest.raises(InputError, match="one of Crime, Drama, got Western"):
        gp.recommend(bundle_samples.sample_history(), genre="Western")


def test_diverse_recommendations_are_less_alike(gp: Bundle) -> None:
    def alike(found: list) -> float:
        rows = [each.movie_id - 100 for each in found]
        unit = gp._both[rows]
        return float((unit @ unit.T).sum() - len(rows))

    plain, diverse = (
        gp.recommend(bundle_samples.sample_history(), top=8, diverse=each) for each in (False, True)
    )
    assert alike(diverse) < alike(plain)
    assert sum(e.stars for e in diverse) <= sum(e.stars for e in plain)


def test_reasons_name_ratings_that_moved_the_prediction_and_what_is_shared(gp: Bundle) -> None:
    (found,) = gp.predict(bundle_samples.sample_history(), ["The Matrix"])
    assert 1 <= len(found.reasons) <= 3
    assert [abs(r.contribution) for r in found.reasons] == sorted(
        (abs(r.contribution) for r in found.reasons), reverse=True
    )
    for reason in found.reasons:
        row = reason.movie_id - 100
        assert dict(bundle_samples.sample_history())[reason.movie_id] == reason.stars
        assert set(reason.shared_entities) == set(gp.library.entities(row)) & set(gp.library.entities(1))


def test_a_rated_movie_is_predicted_without_its_own_rating(gp: Bundle) -> None:
    history = bundle_samples.sample_history()
    without = [pair for pair in history if pair[0] != 120]
    assert gp.predict(history, [120])[0].stars == pytest.approx(gp.predict(without, [120])[0].stars, abs=1e-6)


def test_times_order_the_history(gp: Bundle) -> None:
    history = bundle_samples.sample_history()
    timed = [(movie, stars, 1_000_000 + 60 * at) for at, (movie, stars) in enumerate(history)]
    backwards = timed[::-1]
    assert gp.predict(timed, [101]) == gp.predict(backwards, [101])
    assert gp.predict(timed, [101])[0].stars == pytest.approx(gp.predict(history, [101])[0].stars, abs=1e-6)


def test_somebody_without_ratings_gets_an_answer(bundle: Bundle) -> None:
    found = bundle.recommend([], top=3)
    assert len(found) == 3
    assert all(0.5 <= each.stars <= 5 for each in found)
    assert all(each.reasons == () for each in found)


@pytest.mark.parametrize(
    ("history", "said"),
    [([(120, 4.2)], "half stars"), ([(120, 4.0), (120, 3.0)], "a movie once"), ([(7, 4.0)], "movieId 7"),
     ([("Nonesuch", 4.0)], "no such title"), ([("Heat", 4.0)], r"ambiguous: Heat \(1995\)")],
)  # fmt: skip
def test_a_history_that_cannot_be_is_refused(gp: Bundle, history: list, said: str) -> None:
    with pytest.raises(InputError, match=said):
        gp.predict(history, [101])


def test_similar_movies_are_the_nearest_by_cosine(gp: Bundle) -> None:
    vectors = gp.contents.vectors
    unit = {k: v / np.linalg.norm(v, axis=1, keepdims=True) for k, v in vectors.items()}
    cosines = {k: v @ v[0] for k, v in unit.items()} | {
        "both": (unit["text"] @ unit["text"][0] + unit["graph"] @ unit["graph"][0]) / 2
    }
    for by, expected in cosines.items():
        found = gp.similar("Spirited Away", by=by, top=5)
        order = [row for row in np.argsort(-expected) if row != 0][:5]
        assert [each.movie_id - 100 for each in found] == order
        np.testing.assert_allclose([each.similarity for each in found], expected[order], atol=1e-6)


def test_the_interval_holds_four_fifths() -> None:
    draw = np.random.default_rng(0)
    for _ in range(50):
        each = draw.dirichlet(np.ones(10) * 0.5)
        low, high = central_interval(each)
        assert each[round(low * 2) - 1 : round(high * 2)].sum() >= 0.8 - 1e-9
    assert central_interval(np.eye(10)[6]) == (3.5, 3.5)


def test_the_best_are_the_highest_and_of_equal_ones_the_first() -> None:
    draw = np.random.default_rng(0)
    for count in (0, 1, 7, 50):
        value = draw.integers(0, 9, 50).astype(np.float64)
        assert top_k(value, count) == np.argsort(-value, kind="stable")[:count].tolist()


def test_a_copy_of_what_was_chosen_is_passed_over() -> None:
    stars, likeness = np.array([4.0, 3.9, 3.5]), np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert mmr_rerank([0, 1, 2], stars, likeness, 2) == [0, 2]


def test_it_loads_in_a_process_without_dvc_and_the_pipelines_folder(tmp_path: Path) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    code = ("import sys; sys.modules['dvc'] = sys.modules['dvclive'] = None; import reelgraph; "
            f"print(reelgraph.load({str(folder)!r}).predict([(120, 4.0)], ['Heat (1995)'])[0].stars)")  # fmt: skip
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=elsewhere, env=env, capture_output=True, text=True, check=True
    )
    expected = reelgraph.load(folder).predict([(120, 4.0)], ["Heat (1995)"])[0].stars
    assert float(said.stdout) == pytest.approx(expected, abs=1e-6)


FILES = (
    "config.json",
    "model.safetensors",
    "vectors.safetensors",
    "movies.parquet",
    "README.md",
    "test_results.json",
)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        reelgraph.load(folder)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "vectors.safetensors", "movies.parquet"]
)
@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"{}"])
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        reelgraph.load(folder)


def test_another_format_and_other_movies_are_refused(tmp_path: Path) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for change, said in (({"format": 2}, "format"), ({"movies": 7}, "7 movies"), ({"other": 1}, "other")):
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ArtifactError, match=said):
            read_bundle(folder)


def test_word2vec_and_projector_files_have_the_same_numbers(gp: Bundle, tmp_path: Path) -> None:
    library, vectors = gp.library, gp.contents.vectors["graph"]
    write_word2vec(library, vectors, tmp_path / "graph.txt")
    write_projector(library, vectors, tmp_path / "graph.tsv")
    head, *lines = (tmp_path / "graph.txt").read_text().splitlines()
    assert head == f"{len(vectors)} {vectors.shape[1]}"
    words = [line.split(" ") for line in lines]
    assert [int(word[0]) for word in words] == library.movie_ids.tolist()
    np.testing.assert_array_equal(np.array([word[1:] for word in words], np.float32), vectors)
    np.testing.assert_array_equal(
        np.loadtxt(tmp_path / "graph.tsv", dtype=np.float32, delimiter="\t"), vectors
    )
    rows = [line.split("\t") for line in (tmp_path / "metadata.tsv").read_text().splitlines()]
    assert rows[0] == ["movieId", "title", "year", "genre", "ratings"]
    assert len(rows) == len(vectors) + 1
    assert rows[2] == ["101", "The Matrix", "1999", "Drama", "1"]
