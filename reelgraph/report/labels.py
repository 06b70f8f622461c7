"""Names and numbers as people read them."""

from __future__ import annotations

NAMES = {
    "rater": "rater",
    "global_mean": "mean of all",
    "user_mean": "mean of the person",
    "item_mean": "mean of the movie",
    "recent_mean": "mean of the last few",
    "bias": "damped biases",
    "bias_recent": "biases + last residuals",
    "item_knn": "item kNN",
    "biased_mf": "matrix factorisation",
    "bayesian_fm": "Bayesian FM",
    "bayesian_fm_ids": "Bayesian FM of ids",
    "fm_recent": "Bayesian FM + last residuals",
    "als_implicit": "ALS + implicit features",
    "svd": "SVD",
    "svdpp": "SVD++",
    "gnn": "GNN",
    "distmult": "DistMult",
    "transe": "TransE",
    "kg_gnn": "kg_gnn",
    "kg_gnn_bert": "kg_gnn_bert",
    "mrr": "MRR",
    "hits_1": "Hits@1",
    "hits_3": "Hits@3",
    "hits_10": "Hits@10",
    "ndcg_10": "NDCG@10",
    "recall_20": "recall@20",
    "ndcg_10_diff": "rater − model, NDCG@10",
    "recall_20_diff": "rater − model, recall@20",
    "rmse_increase": "RMSE increase",
    "one_step_rmse": "one-step RMSE",
    "one_step_rmse_diff": "one-step RMSE − none",
    "val_rmse_diff": "validation RMSE − none",
    "genre_agreement_10": "genre agreement@10",
    "director_agreement_10": "director agreement@10",
    "company_agreement_10": "company agreement@10",
    "n_users": "people",
    "rmse": "RMSE",
    "mae": "MAE",
    "isoscore": "IsoScore",
    "val_rmse": "validation RMSE",
    "val_rmse_std": "its spread",
    "test_rmse": "test RMSE",
    "test_rmse_std": "its spread ",
}
"""Keys of the metrics files; a key that isn't here is shown without its underscores."""

SLICES = {
    "history": "Ratings before the target",
    "popularity": "Ratings of the movie in training",
    "user_mean": "The person's mean (stars)",
    "user_std": "The person's spread (stars)",
    "rating": "Stars given",
    "year": "Year of the movie",
    "user": "The person",
}


def name(key: str) -> str:
    """Return a key in words, or several after each other."""
    if ", " in key:
        return ", ".join(map(name, key.split(", ")))
    return NAMES.get(key, key if "-" in key else key.replace("_", " "))


def slice_name(key: str) -> str:
    """Return a slice's key in words."""
    return SLICES.get(key, name(key))


def bin_name(key: str) -> str:
    """Turn ``10_to_29`` into ``10 to 29``, ``3_5_up`` into ``3.5 and up``."""
    words: list[str] = []
    for part in key.split("_"):
        if part.isdigit() and words and words[-1].isdigit():
            words[-1] += f".{part}"
        else:
            words.append(part)
    return " ".join(words).replace(" up", " and up")


def fixed(value: float | int | None, digits: int = 3) -> str:
    """Return a number with a fixed number of digits and a real minus; a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | int | None, digits: int = 3) -> str:
    """Return a difference with its sign."""
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def span(low: float | int | None, high: float | int | None, digits: int = 3, sign: bool = False) -> str:
    """Return an interval as ``low to high``; a dash for none."""
    if low is None or high is None:
        return "–"
    write = signed if sign else fixed
    return f"{write(low, digits)} to {write(high, digits)}"


def listed(items: list[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
