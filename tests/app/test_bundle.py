"""A bundle predicts as its rater does, loads without DVC, and raises on inconsistent files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import reelgraph
from reelgraph.app.bundle.export import write_projector, write_word2vec
from reelgraph.app.bundle.format import read_bundle, write_bundle
from reelgraph.app.bundle.group import recommend_to_group
from reelgraph.app.bundle.model import Bundle, restore_bundle_rater
from reelgraph.app.bundle.new_user import UserRating, build_histories, fill_timestamps
from reelgraph.app.bundle.results import MoviePrediction, mmr_rerank, star_ranges, top_k
from reelgraph.rankers.item_weights import ItemWeightsRanker
from reelgraph.rankers.popularity import PopularityRanker
from reelgraph.rankers.ranker import watched_and_liked
from reelgraph.rankers.registry import save_ranker
from reelgraph.runtime.errors import ArtifactError, InputError
from tests.helpers import bundle_samples
from tests.helpers.bundle_samples import sample_history

FILES = (
    "config.json",
    "model.safetensors",
    "vectors.safetensors",
    "movies.parquet",
    "README.md",
    "test_results.json",
)
FIRST_ID = 100
"""The movieId of row 0."""


@pytest.fixture(scope="module", params=["gp", "attention", "transformer"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return reelgraph.load(
        bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("bundle"), request.param)
    )


@pytest.fixture(scope="module")
def gp_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return reelgraph.load(bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("bundle")))


def test_recommend_orders_by_the_ranker_or_by_stars(gp_bundle: Bundle, tmp_path: Path) -> None:
    n_movies = len(gp_bundle.catalog)
    # Differences between scores exceed those between log probabilities of a liked movie.
    count = 100 * np.random.default_rng(0).permutation(n_movies).astype(np.float32)
    save_ranker("popularity", PopularityRanker(count), tmp_path / "ranker")
    write_bundle(replace(gp_bundle.contents, ranker=tmp_path / "ranker"), tmp_path / "bundle")
    bundle = reelgraph.load(tmp_path / "bundle")
    movies = [movie.movie_id for movie in bundle.recommend(sample_history(), top=10)]
    rated = {movie for movie, _ in sample_history()}
    by_count = [FIRST_ID + row for row in np.argsort(-count).tolist()]
    assert movies == [movie for movie in by_count if movie not in rated][:10]
    by_stars = bundle.recommend(sample_history(), top=10, by="stars")
    assert by_stars == gp_bundle.recommend(sample_history(), top=10)
    assert bundle.recommend([], top=10) == gp_bundle.recommend([], top=10)
    users = [bundle.resolve_history(sample_history()[:half]) for half in (2, None)]
    mask = ~np.isin(np.arange(n_movies) + FIRST_ID, list(rated))
    for rule in ("least-misery", "mean"):
        group = recommend_to_group(bundle, users, mask, 10, rule)
        assert [movie.movie_id for movie in group] == movies
        by_stars = recommend_to_group(bundle, users, mask, 10, rule, by="stars")
        assert by_stars == recommend_to_group(gp_bundle, users, mask, 10, rule)
    (array,) = (tmp_path / "bundle/ranker").glob("*.npy")
    np.save(array, count[::-1])
    with pytest.raises(ArtifactError, match=r"ranker/\w+\.npy: expected the file that was exported"):
        reelgraph.load(tmp_path / "bundle")
    shutil.rmtree(tmp_path / "bundle/ranker")
    with pytest.raises(ArtifactError, match=r"ranker/\w+\.npy: expected a file of a bundle, got no file"):
        reelgraph.load(tmp_path / "bundle")


def test_recommend_gives_ratings_of_one_day_or_without_dates_no_order(
    gp_bundle: Bundle, tmp_path: Path
) -> None:
    n_movies = len(gp_bundle.catalog)
    weights = np.zeros((n_movies, n_movies), np.float32)
    weights[[0, 1], [10, 11]] = 1  # movie 10 follows movie 0, and movie 11 follows movie 1
    ranker = ItemWeightsRanker(np.arange(n_movies), weights, 0.5, n_movies)
    save_ranker("next_movie", ranker, tmp_path / "ranker")
    bundle = Bundle(replace(gp_bundle.contents, ranker=tmp_path / "ranker"))

    def score_difference(*times: int | None) -> float:
        ratings = [UserRating(row, 4.0, time) for row, time in enumerate(times)]
        scored = bundle.score(ratings)
        probabilities = scored.scores.prediction.probabilities
        assert probabilities is not None
        scores = bundle.order(scored) - watched_and_liked(
            np.zeros(n_movies), probabilities, bundle.catalog.rating_counts
        )
        return float(scores[11] - scores[10])

    assert score_difference(None, None) == pytest.approx(0)
    assert score_difference(86_400, 86_400) == pytest.approx(0)
    assert score_difference(0, 86_400) == pytest.approx(0.5)
    assert score_difference(None, 0) == pytest.approx(0.5)


def test_score_tells_no_drift_of_ratings_without_an_order(gp_bundle: Bundle) -> None:
    def drift(*times: int | None) -> float:
        user = gp_bundle.score([UserRating(row, row + 1.0, time) for row, time in enumerate(times)]).user
        assert user is not None
        return user.drift

    assert drift(None, None, None) == 0
    assert drift(86_400, 86_400, 86_400) == 0
    assert drift(None, 86_400, 86_400) != 0
    assert drift(86_400) == 0


def test_predict_equals_the_raters_score(bundle: Bundle) -> None:
    rater, _, config = bundle_samples.fit_sample_rater(bundle.contents.config.rater.model.type)
    ratings = [UserRating(movie - FIRST_ID, stars) for movie, stars in sample_history()]
    histories = build_histories(ratings, [0])
    (scores,) = rater.score(histories, histories.train_end, histories.test, np.array([1, 4]), some_day=True)
    expected = scores.prediction.stars
    predictions = bundle.predict(sample_history(), ["The Matrix (1999)", "Heat (1995)"])
    assert [movie.title for movie in predictions] == ["The Matrix", "Heat"]
    np.testing.assert_allclose([movie.stars for movie in predictions], expected, atol=1e-6)
    if config.model.type == "gp":
        assert [movie.prediction_set for movie in predictions] == [
            star_ranges(row) for row in scores.prediction.probabilities
        ]


def test_recommend_ranks_by_the_lower_bound_of_the_movies_means(bundle: Bundle) -> None:
    rated_ids = set(dict(sample_history()))
    recommendations = bundle.recommend(sample_history(), top=5)
    unrated_ids = [int(movie) for movie in bundle.catalog.movie_ids if movie not in rated_ids]
    predictions = bundle.predict(sample_history(), unrated_ids)
    bounds = {movie.movie_id: movie.stars - 0.8 / np.sqrt(movie.ratings + 1) for movie in predictions}
    best = sorted(bounds, key=lambda movie: -bounds[movie])[:5]
    assert [movie.movie_id for movie in recommendations] == best
    stars = {movie.movie_id: movie.stars for movie in predictions}
    np.testing.assert_allclose(
        [movie.stars for movie in recommendations], [stars[movie] for movie in best], atol=1e-4
    )


def test_recommend_applies_the_filters(gp_bundle: Bundle) -> None:
    filters = {"genres": ["crime"], "since": 1970, "exclude_popular": True}
    recommendations = gp_bundle.recommend(sample_history(), top=40, **filters)
    with pytest.raises(InputError, match="since: expected less than or equal to 2200, got 3000"):
        gp_bundle.recommend(sample_history(), since=3000)
    assert recommendations
    rows = [movie.movie_id - FIRST_ID for movie in recommendations]
    counts = gp_bundle.catalog.rating_counts
    assert all("Crime" in gp_bundle.catalog.genre_lists[row] for row in rows)
    assert all(movie.year is not None and movie.year >= 1970 for movie in recommendations)
    assert counts[rows].max() <= np.quantile(counts, 0.9)


def test_recommend_diverse_lowers_the_similarity_of_the_recommendations(gp_bundle: Bundle) -> None:
    def total_similarity(movies: list[MoviePrediction]) -> float:
        vectors = gp_bundle.similarity.vectors_of_both[[movie.movie_id - FIRST_ID for movie in movies]]
        return float((vectors @ vectors.T).sum() - len(movies))

    by_stars = gp_bundle.recommend(sample_history(), top=8)
    diverse = gp_bundle.recommend(sample_history(), top=8, diverse=True)
    assert total_similarity(diverse) < total_similarity(by_stars)
    assert diverse[0] == by_stars[0]


def test_recommend_works_without_ratings(bundle: Bundle) -> None:
    recommendations = bundle.recommend([], top=3)
    assert len(recommendations) == 3
    assert all(0.5 <= movie.stars <= 5 for movie in recommendations)
    assert all(movie.reasons == () for movie in recommendations)


def test_predict_ignores_the_users_rating_of_the_target(gp_bundle: Bundle) -> None:
    without_target = [rating for rating in sample_history() if rating[0] != 120]
    prediction = gp_bundle.predict(sample_history(), [120])[0]
    expected = gp_bundle.predict(without_target, [120])[0]
    assert prediction.stars == pytest.approx(expected.stars, abs=1e-6)


def test_predict_orders_the_history_by_time(gp_bundle: Bundle) -> None:
    timed = [(movie, stars, 1_000_000 + 60 * index) for index, (movie, stars) in enumerate(sample_history())]
    prediction = gp_bundle.predict(timed, [101])
    assert prediction == gp_bundle.predict(timed[::-1], [101])
    same_second = [(movie, stars, 1_000_000) for movie, stars in sample_history()]
    assert gp_bundle.predict(same_second, [101]) == gp_bundle.predict(same_second[::-1], [101])


def test_predict_ignores_the_order_of_undated_ratings(bundle: Bundle) -> None:
    undated: list = sample_history(20)
    expected = bundle.predict(undated, [101])
    assert bundle.predict(undated[::-1], [101]) == expected
    partly_dated = [(*rating, None if index % 3 else 10_000 * index) for index, rating in enumerate(undated)]
    assert bundle.predict(partly_dated[::-1], [101]) == bundle.predict(partly_dated, [101])


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([(120, 4.2)], "half stars"),
        ([(120, 4.0), (120, 3.0)], "one rating per movie"),
        ([(7, 4.0)], "movieId 7"),
        ([("Nonesuch", 4.0)], "no such title"),
        ([("Heat", 4.0)], r"ambiguous: Heat \(1995\)"),
        ([("The Matricks", 4.0)], r"Similar titles: The Matrix \(1999\) \[movieId 101\]"),
    ],
)
def test_predict_raises_on_an_invalid_history(gp_bundle: Bundle, history: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gp_bundle.predict(history, [101])


@pytest.mark.parametrize(
    ("times", "filled"),
    [
        ([None, None, None], [0, 60, 120]),
        ([500, None, 100], [500, 40, 100]),
        ([None, 300, None], [180, 300, 240]),
        ([], []),
    ],
)
def test_fill_timestamps_keeps_the_known_ones(times: list[int | None], filled: list[int]) -> None:
    ratings = [UserRating(row, 3.0, time) for row, time in enumerate(times)]
    assert fill_timestamps(ratings).tolist() == filled


def test_similar_returns_the_nearest_neighbours_by_cosine(gp_bundle: Bundle) -> None:
    cosines = {}
    audience = gp_bundle.rater.movie_vectors()
    for name, vectors in (gp_bundle.contents.vectors | {"audience": audience}).items():
        unit_vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines[name] = unit_vectors @ unit_vectors[1]
    cosines["both"] = (cosines["text"] + cosines["graph"]) / 2
    counts = gp_bundle.catalog.rating_counts
    cosines["audience"] *= counts / (counts + 5)
    for by, expected in cosines.items():
        neighbours = gp_bundle.similar("The Matrix", by=by, top=5)
        rows = [row for row in np.argsort(-expected) if row != 1][:5]
        assert [movie.movie_id - FIRST_ID for movie in neighbours] == rows
        np.testing.assert_allclose([movie.similarity for movie in neighbours], expected[rows], atol=1e-6)
    assert gp_bundle.similar("The Matrix") == gp_bundle.similar("The Matrix", "audience")
    assert gp_bundle.similar("Spirited Away") == gp_bundle.similar("Spirited Away", "both")


def test_similar_names_the_kinds_of_similarity(gp_bundle: Bundle) -> None:
    with pytest.raises(InputError, match="by: expected one of audience, text, graph, both, got 'colour'"):
        gp_bundle.similar("The Matrix", by="colour")


def test_resolve_takes_no_ambiguous_title_for_a_movie_id(gp_bundle: Bundle) -> None:
    titles = ["105", "105", *gp_bundle.catalog.titles[2:]]
    catalog = bundle_samples.sample_catalog(len(titles), title=titles)
    bundle = Bundle(replace(gp_bundle.contents, catalog=catalog))
    assert bundle.resolve("movieId 105") == 5
    with pytest.raises(InputError, match=r"'105': .* got ambiguous: 105 \(2001\) \[movieId 100\]; 105"):
        bundle.resolve("105")


def test_resolve_takes_a_number_for_a_title_if_one_has_it(gp_bundle: Bundle) -> None:
    titles = ["2001: A Space Odyssey", *gp_bundle.catalog.titles[1:]]
    movie_ids = [FIRST_ID, 2001, *gp_bundle.catalog.movie_ids[2:].tolist()]
    catalog = bundle_samples.sample_catalog(len(titles), title=titles, movieId=movie_ids)
    bundle = Bundle(replace(gp_bundle.contents, catalog=catalog))
    assert [bundle.resolve(movie) for movie in ("2001", "movieId 2001", "[2001]", 2001, "103")] == [
        0,
        1,
        0,
        1,
        3,
    ]


@pytest.mark.parametrize("top", [0, -1])
def test_lists_have_at_least_one_movie(gp_bundle: Bundle, top: int) -> None:
    for call in (lambda: gp_bundle.recommend([], top=top), lambda: gp_bundle.similar(FIRST_ID, top=top)):
        with pytest.raises(InputError, match="top: expected 1 or more, got"):
            call()


def test_recommend_names_its_orders(gp_bundle: Bundle) -> None:
    with pytest.raises(InputError, match="by: expected one of ranker, stars, got 'likes'"):
        gp_bundle.recommend([], by="likes")


def test_similar_by_audience_needs_a_rater_with_movie_vectors(bundle: Bundle) -> None:
    if bundle.similarity.audience_vectors is None:
        assert bundle.similar("The Matrix") == bundle.similar("The Matrix", "both")
        with pytest.raises(InputError, match="a rater that learns vectors"):
            bundle.similar("The Matrix", "audience")


def test_star_ranges_joins_half_stars_that_follow_each_other() -> None:
    assert star_ranges(np.eye(10)[6]) == ((3.5, 3.5),)
    assert star_ranges(np.arange(10) / 45) == ((2.5, 5.0),)
    whole_stars = np.array([0, 0, 0, 0, 0, 0.3, 0, 0.3, 0.25, 0.15])
    assert star_ranges(whole_stars) == ((3.0, 3.0), (4.0, 4.5))


def test_top_k_equals_a_stable_sort() -> None:
    scores = np.random.default_rng(0).integers(0, 9, 50).astype(np.float64)
    for k in (0, 1, 7, 50):
        assert top_k(scores, k) == np.argsort(-scores, kind="stable")[:k].tolist()


def test_mmr_rerank_skips_a_copy_of_a_selected_movie() -> None:
    stars = np.array([4.0, 3.9, 3.5])
    similarity = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert mmr_rerank([0, 1, 2], stars, similarity, 2) == [0, 2]


@given(scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_mmr_rerank_does_not_depend_on_the_unit_of_scores(scale: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    scores = np.sort(rng.random(20))[::-1]
    similarity = np.corrcoef(rng.normal(size=(20, 5)))
    expected = mmr_rerank(range(20), scores, similarity, 8)
    assert mmr_rerank(range(20), scale * scores + shift, similarity, 8) == expected


@pytest.mark.slow
def test_load_needs_neither_dvc_nor_the_project_folder(tmp_path: Path) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    code = (
        "import sys; sys.modules['dvc'] = None; import reelgraph; "
        f"print(reelgraph.load({str(folder)!r}).predict([(120, 4.0)], ['Heat (1995)'])[0].stars)"
    )
    working_dir = tmp_path / "elsewhere"
    working_dir.mkdir()
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=working_dir, env=env, capture_output=True, text=True, check=True
    )
    expected = reelgraph.load(folder).predict([(120, 4.0)], ["Heat (1995)"])[0].stars
    assert float(process.stdout) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_load_names_a_missing_file(tmp_path: Path, name: str) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        reelgraph.load(folder)


@pytest.mark.parametrize("name", FILES[:4])
@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"{}"])
def test_load_names_a_corrupt_file(tmp_path: Path, name: str, content: bytes) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        reelgraph.load(folder)


def test_restore_bundle_rater_refuses_weights_of_another_version(tmp_path: Path) -> None:
    contents = read_bundle(bundle_samples.write_sample_bundle(tmp_path))
    weights = load_file(contents.weights)
    save_file(weights | {"gp.old": weights["gp.projection"]}, contents.weights)
    with pytest.raises(ArtifactError, match=r"old, which the model lacks\. .* `reelgraph export`"):
        restore_bundle_rater(contents)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 3}, r"format.*Input should be 4"), ({"movies": 7}, "7 movies"), ({"other": 1}, "other")],
)
def test_read_bundle_raises_on_another_format_or_other_movies(
    tmp_path: Path, change: dict[str, int], message: str
) -> None:
    folder = bundle_samples.write_sample_bundle(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ArtifactError, match=message):
        read_bundle(folder)


def test_write_word2vec_and_write_projector_write_the_same_numbers(gp_bundle: Bundle, tmp_path: Path) -> None:
    catalog = gp_bundle.catalog
    vectors = gp_bundle.contents.vectors["graph"]
    write_word2vec(catalog, vectors, tmp_path / "graph.txt")
    write_projector(catalog, vectors, tmp_path / "graph.tsv")
    header, *lines = (tmp_path / "graph.txt").read_text().splitlines()
    assert header == f"{len(vectors)} {vectors.shape[1]}"
    words = [line.split(" ") for line in lines]
    assert [int(word[0]) for word in words] == catalog.movie_ids.tolist()
    np.testing.assert_array_equal(np.array([word[1:] for word in words], np.float32), vectors)
    np.testing.assert_array_equal(
        np.loadtxt(tmp_path / "graph.tsv", dtype=np.float32, delimiter="\t"), vectors
    )
    rows = [line.split("\t") for line in (tmp_path / "metadata.tsv").read_text().splitlines()]
    assert rows[0] == ["movieId", "title", "year", "genre", "ratings"]
    assert len(rows) == len(vectors) + 1
    assert rows[2] == ["101", "The Matrix", "1999", "Drama", "1"]
