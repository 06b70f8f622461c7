"""How to read each figure and section, in words."""

from __future__ import annotations

RESULTS = (
    "Dot: RMSE on the test ratings, the further left the better. Line: where it would lie for 95 of 100 "
    "other crowds of the same people (bootstrap over users)."
)
PAIRED = (
    "The same crowds for both models. Left of the dashed line the rater is better; a line that crosses it"
    " is a difference within chance."
)
SLICES = (
    "Dot and line: the rater and its 95 % interval on ratings of one kind. Square: {peer} on the same "
    "ratings, whose number stands in brackets; of all other models the one with the best validation error."
)
SCATTER = (
    "A dot a test rating, spread sideways a little. On the dashed line a prediction is exact; a cloud "
    "flatter than the line means that the rater stays near the middle."
)
ERRORS = (
    "How often a prediction is off by how much, in quarter stars. Right of zero: too high. The dashed "
    "line is the mean error."
)
CALIBRATION = (
    "A dot a bin of predictions that round to the same half star: what they say, and what was given, with"
    " its 95 % interval. On the dashed line both agree; above it the rater says too little."
)
COVERAGE = "Half stars are coarse, so coverage lies above its level."
RANKING = "Each person's held-out high ratings, ranked among all unseen movies; more is better"
CONTROLS = (
    "The same rater on the same ratings, with one thing hidden: the order of the history shuffled, the "
    "stars in it taken away, the target's text and graph blanked."
)
COST = (
    "Right of the dashed line hiding it makes the rater worse: it was of use. A line that crosses it: no "
    "difference that counts."
)
EXAMPLES = (
    "What a person had rated before, and which earlier ratings moved the prediction, by how many stars; "
    "in brackets what the two movies share."
)
ABLATION = (
    "Each architecture on each set of movie vectors, and with something taken away: mean over the "
    "seeds, and its standard deviation as a line. The further left the better."
)
LEARNING = (
    "Training as it runs, with dropout and the like; validation by the finished epoch. The epoch with the"
    " lowest validation RMSE is the model."
)
GNN = "Loss of telling a movie's true entities from others, on a log scale."
MAP = (
    "Directions and distances between far groups mean nothing. Drag to move, turn the wheel or pinch to "
    "zoom, click a movie for its nearest neighbours, a genre to see it alone."
)
VECTORS = (
    "Anisotropy is the length of the mean of all unit vectors, IsoScore how evenly all dimensions are "
    "used (1: evenly), effective rank how many dimensions that amounts to. Hubness above 2: a few movies "
    "are everybody's neighbours. Same genre, director, company: the share of the 10 nearest neighbours "
    "that share it."
)
SPECTRA = (
    "Singular values of each set of vectors, the largest first. A line that falls at once: a few "
    "directions hold everything."
)
LINKS = (
    "Mean reciprocal rank of held-out edges, both directions, known edges left out, ties counting half. "
    "The further right the better; 1 is perfect."
)
LINKS_LEARNED = (
    "Mean reciprocal rank of the validation edges as the GNN learns. Its best epoch is how long the network "
    "that makes the vectors learns, then on every edge."
)
UNMEASURED = "Not measured in this run."
