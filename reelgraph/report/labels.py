"""Names, numbers and captions as the report shows them."""

from __future__ import annotations

NAMES = {
    "global_mean": "global mean",
    "user_mean": "user mean",
    "item_mean": "movie mean",
    "recent_mean": "mean of the last few",
    "bias": "damped biases",
    "bias_recent": "biases + last residuals",
    "item_knn": "item kNN",
    "biased_mf": "matrix factorisation",
    "histogram": "user's histogram, shrunk to the movie's",
    "bayesian_fm": "Bayesian FM",
    "bayesian_fm_ids": "Bayesian FM of ids",
    "ordered_probit_fm": "ordered probit FM",
    "fm_recent": "Bayesian FM + last residuals",
    "fm_content": "Bayesian FM + content",
    "user_bias": "damped user mean",
    "user_entity_means": "user's means of genre and people",
    "content_bias": "biases from content",
    "content_knn": "content kNN",
    "content_ridge": "content ridge per user",
    "als_implicit": "ALS + implicit features",
    "blend": "ranker",
    "recommended": "ranker and rater",
    "recent_popularity": "popularity of the last days",
    "ease": "EASE",
    "rp3beta": "RP3β",
    "next_movie": "next-movie regression",
    "content": "content",
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
    "ndcg_10_diff": "ranker − order, NDCG@10",
    "recall_20_diff": "ranker − order, recall@20",
    "hit_10": "hit rate@10",
    "coverage_20": "coverage@20",
    "novelty_20": "novelty@20 (bits)",
    "popularity_rank_20": "mean popularity rank@20",
    "rated_20": "rated of the 20",
    "predicted_20": "predicted stars of these",
    "actual_20": "actual stars of these",
    "stars_diff": "predicted − actual stars",
    "n_users": "users",
    "rmse": "RMSE",
    "mae": "MAE",
    "rmse_increase": "RMSE increase",
    "one_step_rmse": "one-step RMSE",
    "one_step_rmse_diff": "one-step RMSE − none",
    "ials": "iALS",
    "sasrec": "SASRec",
    "val_rmse_diff": "validation RMSE − none",
    "val_rmse_std": "its std",
    "test_rmse": "test RMSE",
    "test_rmse_std": "its std ",
    "isoscore": "IsoScore",
    "genre_agreement_10": "genre agreement@10",
    "director_agreement_10": "director agreement@10",
    "company_agreement_10": "company agreement@10",
}
"""Labels of metric keys; other keys are shown without their underscores."""

SLICES = {
    "history": "Ratings before the target",
    "popularity": "Training ratings of the movie",
    "user_mean": "Mean rating of the user (stars)",
    "user_std": "Rating std of the user (stars)",
    "rating": "Rating (stars)",
    "year": "Release year of the movie",
    "user": "User",
}

RESULTS_CAPTION = (
    "Dot: RMSE on the test ratings; lower is better. Line: 95 % confidence interval (bootstrap over "
    "{clusters})."
)
PAIRED_CAPTION = (
    "Paired differences on the same bootstrap samples. Left of the dashed line the rater is better. An "
    "interval that contains zero is not significant."
)
SLICES_CAPTION = (
    "Dot and line: the rater's RMSE and its 95 % interval on the ratings of a bin; the number of ratings is "
    "in brackets. Square: {baseline}, the baseline with the lowest validation error, on the same ratings. "
    "Bins of fewer than 30 ratings have no interval and no verdict."
)
SCATTER_CAPTION = (
    "One dot a test rating, with horizontal jitter. On the line a prediction is exact. A cloud that is "
    "flatter than the line shows predictions shrunk to the mean."
)
ERRORS_CAPTION = "Histogram of the errors in quarter stars. Right of zero the prediction is too high."
CALIBRATION_CAPTION = (
    "One dot a bin of predictions that round to the same half star: mean prediction and mean rating, with "
    "the 95 % interval of the mean rating. On the line both agree; above it predictions are too low."
)
COVERAGE_NOTE = "Half stars are coarse, so whole half stars hold more than their nominal coverage."
RANKING_PEERS_CAPTION = "Peers with the params that are best on validation, and the ranker minus each"
RANKING_CAPTION = "Ranks of each user's test movies among all movies outside of the history"
LIKED_CAPTION = "The same for test movies rated with 4 stars or more"
PERTURBATIONS_CAPTION = (
    "The same rater predicts the same ratings with a part of its input hidden: the order of the history "
    "shuffled, the history's ratings replaced by the movies' means, or the target movie's content masked."
)
INCREASE_CAPTION = (
    "Right of the dashed line the rater is worse without this part. An interval that contains zero is not "
    "significant."
)
EXAMPLES_CAPTION = (
    "The user's last ratings, and the earlier ratings that contributed most to the prediction, in stars; in "
    "brackets the entities that the two movies share."
)
ABLATION_CAPTION = (
    "Each rater on each set of movie embeddings, and with a part of its input removed. Dot and line: mean "
    "and standard deviation over the seeds. Lower is better."
)
LEARNING_CAPTION = (
    "Training: during the epoch, with a network's dropout. Validation: after the epoch; of gp, without its "
    "heads. The model is the network with the lowest validation RMSE, or gp after the last epoch."
)
GNN_CAPTION = "Loss of ranking a movie's true entities above sampled ones, on a log axis."
MAP_CAPTION = (
    "Axes and distances between far groups have no meaning. Drag to move, use the wheel or pinch to zoom, "
    "click a movie for its nearest neighbours, or a genre to show it alone."
)
EMBEDDINGS_CAPTION = (
    "Anisotropy is the norm of the mean unit vector. IsoScore measures isotropy (1: isotropic). Effective "
    "rank is the exponential of the spectrum's entropy. A hubness above 2 means that a few movies are "
    "neighbours of very many. Agreement@10 is the fraction of the 10 nearest neighbours with the same entity."
)
SPECTRA_CAPTION = (
    "Singular values of each set of vectors in descending order. A curve that falls at once shows vectors in "
    "few dimensions."
)
LINKS_CAPTION = (
    "Mean reciprocal rank of the held-out edges in both directions, filtered, ties count half. Higher is "
    "better; 1 is perfect."
)
LINK_TRAINING_CAPTION = (
    "Mean reciprocal rank of the validation edges by epoch. The best epoch is the training length of the "
    "released embeddings, which are trained on all edges."
)
NOT_MEASURED = "Not measured in this run."


def label(key: str) -> str:
    """Return the label of a key, or the labels of several keys that are separated by commas."""
    if ", " in key:
        return ", ".join(map(label, key.split(", ")))
    if key.startswith("val_") and key not in NAMES:
        return f"validation {label(key.removeprefix('val_'))}"
    return NAMES.get(key, key if "-" in key else key.replace("_", " "))


def slice_label(key: str) -> str:
    """Return the label of a slice."""
    return SLICES.get(key, label(key))


def fixed(value: float | int | None, digits: int = 3) -> str:
    """Return a number with a fixed number of digits and a true minus sign; a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | int | None, digits: int = 3) -> str:
    """Return a difference with its sign; a dash for None."""
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def span(low: float | int | None, high: float | int | None, digits: int = 3, sign: bool = False) -> str:
    """Return an interval as ``low to high``; a dash for None."""
    if low is None or high is None:
        return "–"
    number = signed if sign else fixed
    return f"{number(low, digits)} to {number(high, digits)}"


def join_words(items: list[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
