"""Figures in the form of the metrics files, made up, for a report of any number of movies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from reelgraph.core.schemas.vectors import MapLayout
from reelgraph.report.inputs import NOT_RUN, STUDIES, Inputs, Study

RELATIONS = ("actor", "director", "writer", "genre", "company", "country", "language")
TITLES = ("The Matrix", "Amélie", "Il Postino", "Fast & Furious", "Moonlight", "<b>Bold</b> & 'quoted'")
GENRES = (
    "Drama",
    "Comedy",
    "Thriller",
    "Horror",
    "Romance",
    "Action",
    "War",
    "Crime",
    "Music",
    "Western",
    "Sci-Fi",
)


def model(rmse: float, low: float = 0.0, high: float = 0.0) -> dict:
    """A row of models.tsv; ``low`` and ``high`` are those of rater minus it."""
    return {
        "rmse": rmse, "mae": rmse - 0.2, "rmse_low": rmse - 0.04, "rmse_high": rmse + 0.04,
        "mae_low": rmse - 0.23, "mae_high": rmse - 0.17, "val_rmse": rmse, "rmse_diff_low": low,
        "rmse_diff_high": high, "mae_diff_low": low, "mae_diff_high": high,
        "train_rmse": rmse, "train_mae": rmse - 0.2, "train_val_rmse": rmse - 0.01, "train_val_mae": rmse - 0.2,
    }  # fmt: skip


def metrics() -> dict[str, dict]:
    """Everything that the pipeline measures."""
    rater = {
        key: value for key, value in model(0.87).items() if not key.startswith(("rmse_diff", "mae_diff"))
    }
    statistics = {
        "anisotropy": 0.8,
        "isoscore": 0.1,
        "effective_rank": 41.0,
        "hubness": 1.2,
        "genre_agreement_10": 0.5,
    }
    return {
        "models": {
            "rater": rater | {
                "n_targets": 600, "mse": 0.757, "improvement_pct": 12.5, "val_mae": 0.66, "parameters": 67726, "best_epoch": 6,
                "coverage_80": 0.793, "coverage_95": 0.947, "set_size_80": 4.1, "set_coverage_80": 0.87, "log_likelihood": -1.84,
                "bayes_rmse": 0.72, "oracle_rmse": 0.65,
            },
            "global_mean": model(1.04, -0.26, -0.17), "user_mean": model(0.96, -0.17, -0.09),
            "bias": model(0.88, -0.02, 0.01), "bias_recent": model(0.89, -0.03, 0.00),
        },
        "slices": {
            "user": {"known": _bin(600, 0.87, 0.9)},
            "history": {key: _bin(n, rmse, 0.9) for key, n, rmse in
                        (("10 to 29", 90, 0.95), ("30 to 99", 210, 0.88), ("100 to 299", 200, 0.86), ("300 and up", 100, 0.8))},
            "popularity": {"unseen": _bin(42, 1.1, 1.0, 0.02), "2 to 4": _bin(55, 0.98, 0.97), "5 to 19": _bin(200, 0.9, 0.93)},
            "user_mean": {"under 3.0": _bin(80, 0.99, 1.02), "3.0 to 3.5": _bin(200, 0.9, 0.92), "4.0 and up": _bin(99, 0.7, 0.72)},
            "rating": {key: _bin(60, 2.0 - 0.2 * at, 2.1 - 0.2 * at) for at, key in enumerate(("0.5", "1.0", "2.0", "3.5", "5.0"))},
            "year": {"under 1970": _bin(40, 0.9, 0.91), "1990 to 1999": _bin(300, 0.86, 0.88), "unknown": _bin(9, 1.0, 1.1)},
        },
        "probabilities": {
            "rater": {"all": {"all": probabilities(0.42)}, "popularity": {"unseen": {"n_targets": 42, "coverage_80": 0.79}}},
            "histogram": {"all": {"all": probabilities(0.51) | {"crps_diff_low": -0.1, "crps_diff_high": -0.08, "log_likelihood_diff_low": -0.02, "log_likelihood_diff_high": 0.2}}},
        },
        "ranking": {"blend": {"ndcg_10": 0.05, "ndcg_10_low": 0.04, "ndcg_10_high": 0.06, "recall_20": 0.09, "liked_ndcg_10": 0.07},
                    "popularity": {"ndcg_10": 0.03, "ndcg_10_low": 0.02, "ndcg_10_high": 0.04, "recall_20": 0.06,
                                   "ndcg_10_diff_low": 0.01, "ndcg_10_diff_high": 0.03, "liked_ndcg_10": 0.04}},
        "calibration": {f"{code / 2:.1f}": {"n_targets": 40 * code, "predicted": code / 2 + 0.02,
                        "actual": code / 2 - 0.05, "actual_low": code / 2 - 0.2, "actual_high": code / 2 + 0.1} for code in range(4, 10)},
        "perturbations": {name: {"test": {"rmse": 0.87 + increase, "rmse_increase": increase, "rmse_increase_low": low, "rmse_increase_high": high}}
                          for name, increase, low, high in (("history_shuffled", 0.001, -0.004, 0.006), ("ratings_hidden", 0.09, 0.06, 0.12),
                                                            ("content_masked", 0.01, 0.002, 0.019))},
        "links": {name: {relation: {"mrr": min(0.9, 0.012 * (at + 1) * (2 + i) ** 1.5), "hits_1": 0.01, "hits_3": 0.04, "hits_10": 0.2}
                         for i, relation in enumerate((*RELATIONS, "micro", "macro"))}
                  for at, name in enumerate(("random", "cosine", "transe", "distmult", "popularity", "gnn"))},
        "embeddings": {name: dict.fromkeys(("raw", "centred", "top_removed", "whitened"), statistics)
                       for name in ("text", "projected", "kg_gnn", "kg_gnn_bert", "random")},
        "data": {"filter": {"ratings_after": 58801, "movies_after": 1483, "users": 600, "ratings_by_star": {"0_5": 493}},
                 "kg": {"nodes": {"movie": 1483, "actor": 1132}}, "text": {"nonempty_fraction": 0.86}},
    }  # fmt: skip


def probabilities(crps: float) -> dict:
    return {"n_targets": 600, "crps": crps, "log_likelihood": -1.8, "coverage_80": 0.79, "coverage_95": 0.94}


def _bin(n: int, rmse: float, peer: float, low: float = -0.05) -> dict:
    return {"n_targets": n, "rmse": rmse, "mae": rmse * 0.8, "rmse_low": rmse - 1 / n**0.5, "rmse_high": rmse + 1 / n**0.5,
            "mean_error": -0.02, "baseline": "biased_mf", "baseline_rmse": peer,
            "bin_best": "content_ridge", "bin_best_rmse": peer, "bin_best_mean_error": 0.01, "rmse_diff_low": low, "rmse_diff_high": low + 0.1}  # fmt: skip


def studies() -> dict[str, Study]:
    """All slow studies, measured on these data."""
    rows = {
        f"{architecture}-{embedding}-{control}": {"val_rmse": 0.88 + 0.01 * at, "val_rmse_std": 0.004, "test_rmse": 0.89,
                                                  "test_rmse_std": 0.004, "seeds": 3}
        for at, (architecture, embedding, control) in enumerate(
            [("gp", "kg_gnn_bert", "none"), ("gp", "random", "none"), ("attention", "kg_gnn_bert", "none"), ("transformer", "kg_gnn_bert", "history_shuffled")])
    }  # fmt: skip
    return {
        "external_baselines": Study(
            {"bayesian_fm": model(0.86, 0.001, 0.02), "svdpp": model(0.9, -0.05, -0.01)}, "", False
        ),
        "ablation": Study(rows, "", True),
        "probe": Study({"text": {"raw": {"val_rmse": 0.9}, "whitened": {"val_rmse": 0.89}}}, "", False),
        "ranking_peers": Study(
            {
                "sasrec": {
                    "dim=64": {
                        "val_ndcg_10": 0.05,
                        "ndcg_10": 0.04,
                        "ndcg_10_diff_low": -0.01,
                        "ndcg_10_diff_high": 0.02,
                    }
                }
            },
            "",
            False,
        ),
    }


NO_STUDIES = {name: Study({}, NOT_RUN, False) for name in STUDIES}


def movie_map(count: int) -> tuple[pa.Table, MapLayout]:
    """Movies in clumps, with titles that a search has to forgive something for."""
    draw = np.random.default_rng(0)
    kind = draw.integers(0, len(GENRES), count)
    places = draw.normal(0, 3, (len(GENRES), 2))[kind] + draw.normal(0, 1, (count, 2))
    ids = np.arange(count) * 7 + 1
    titles = [*TITLES, None, *(f"Generated Movie {at}" for at in range(count))][:count]
    movies = pa.table(
        {
            "movie_id": ids,
            "original_title": pa.array(titles, pa.string()),
            "release_year": pa.array(
                [None if at % 50 == 7 else 1950.0 + at % 70 for at in range(count)], pa.float64()
            ),
            "genre_1": pa.array(
                [None if at % 31 == 5 else GENRES[k] for at, k in enumerate(kind)], pa.string()
            ),
        }
    )
    near = (np.arange(count)[:, None] + np.arange(1, min(count, 11))) % count
    x, y = places.T.astype(np.float32)
    return movies, MapLayout(ids, x, y, near)


def examples() -> dict[str, list[dict]]:
    """One example of each kind, one of them without a history."""
    one = {
        "user": "7", "movie_id": 1, "title": "The Matrix", "actual": 4.5, "predicted": 3.1,
        "last": [{"title": "Amélie", "stars": 4.0}, {"title": "A Very Long Title Indeed: " * 3, "stars": 0.5}],
        "moved": [{"title": "Amélie", "stars": -0.21, "shared": ["Drama", "Audrey Tautou"]}],
    }  # fmt: skip
    return {"worst": [one, one], "best": [one | {"last": [], "moved": [], "movie_id": 50}], "spread": [one]}


def inputs(count: int = 300, study: dict[str, Study] | None = None, **empty: dict) -> Inputs:
    """Everything that a report is made of; ``empty`` replaces metrics files."""
    draw = np.random.default_rng(1)
    given = draw.integers(1, 11, 600) / 2
    predicted = np.clip(0.4 * given + 2.0 + draw.normal(0, 0.6, 600), 0.5, 5)
    movies, placed = movie_map(count)
    epochs = [(float(at), 0.95 - 0.02 * at) for at in range(1, 7)]
    both = {"train": epochs, "val": [(x, y + 0.05) for x, y in epochs]}
    spectrum = [(float(at), 1 / at) for at in range(1, 60)]
    return Inputs(
        metrics={**metrics(), **empty},
        studies=studies() if study is None else study,
        rater_curves={"loss": both, "rmse": both, "mae": {"val": epochs}},
        gnn_curves={"kg_gnn_bert": [(float(at), 30 / at) for at in range(1, 101)], "kg_gnn": [(1.0, 5.0), (100.0, 1.2)]},
        link_curve=[(float(at), 0.3 - 0.2 / at) for at in range(1, 11)],
        spectra={name: [(x, y**power) for x, y in spectrum] for name, power in
                 (("text", 0.5), ("projected", 0.6), ("kg_gnn", 1.4), ("kg_gnn_bert", 1.2), ("random", 0.05))},
        predictions=pa.table({"userId": np.arange(600) // 2, "movieId": np.arange(600), "rating": given, "prediction": predicted}),
        examples=examples(),
        movies=movies,
        other_titles=[["The Postman"] if title == "Il Postino" else [] for title in movies["original_title"].to_pylist()],
        map_layout=placed,
        params={"seed": 42, "data": {"source": "demo"}, "model": {"type": "gp", "embedding": "kg_gnn_bert"},
                "sequences": {"split": "leave_last_out"},
                "evaluate": {"fit": "train"}, "baselines": {"names": ["bias", "user_mean"]}},
    )  # fmt: skip
