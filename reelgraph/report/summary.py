"""In words: who wins, by how much, and where the rater loses."""

from __future__ import annotations

from collections.abc import Mapping

from reelgraph.report.inputs import Figures
from reelgraph.report.labels import bin_name, fixed, listed, name, slice_name, span
from reelgraph.report.tables import against, peer_of

FEWEST = 30
"""Targets of a slice that words speak of: with fewer, the interval itself is a guess."""


def verdict(found: Mapping[str, Figures]) -> list[str]:
    """Return sentences on the rater against all models.

    Args:
        found: models, the best first, as ``tables.models`` gives them.
    """
    mine = found["rater"]
    others = {key: row for key, row in found.items() if key != "rater"}
    interval = span(mine.get("rmse_ci_low"), mine.get("rmse_ci_high"))
    said = [
        f"Over {mine['n_targets']:,} test ratings the rater is off by {fixed(mine['rmse'])} stars "
        f"(RMSE; 95 % interval {interval}), {fixed(mine['mae'])} on average (MAE)."
    ]
    return [*said, *_wins(others)] if others else said


def _wins(others: Mapping[str, Figures]) -> list[str]:
    by_result: dict[str, list[str]] = {}
    for key, row in others.items():
        by_result.setdefault(against(row), []).append(key)
    better, chance, worse = (by_result.get(kind, []) for kind in ("better", "within chance", "worse"))
    said = []
    if worse:
        said.append(f"It loses to {_named(worse)}, by more than chance.")
    if chance:
        said.append(f"Its difference to {_named(chance)} is within chance.")
    if better and not (worse or chance):
        nearest = others[better[0]]
        gap = span(nearest["rmse_diff_ci_low"], nearest["rmse_diff_ci_high"], sign=True)
        said.append(
            "It beats every model that it was compared with by more than chance; the nearest, "
            f"{name(better[0])}, has an RMSE of {fixed(nearest['rmse'])} (rater minus it: {gap})."
        )
    elif better:
        said.append(f"It beats {_named(better)} by more than chance.")
    else:
        said.append("It beats no model by more than chance.")
    return said


def _named(keys: list[str]) -> str:
    return listed([name(key) for key in keys])


def losses(slices: Figures) -> str:
    """Return a sentence on the slices, of enough targets, in which the rater's RMSE is above its peer's."""
    if not slices:
        return ""
    peer = peer_of(slices)
    all_bins = [
        (key, each, row)
        for key, bins in slices.items()
        for each, row in bins.items()
        if row["n_targets"] >= FEWEST
    ]
    sure = [(key, each) for key, each, row in all_bins if against(row) == "worse"]
    maybe = [(key, each) for key, each, row in all_bins if row["rmse"] > row["baseline_rmse"]]
    if sure:
        return f"It loses to {peer}, by more than chance, on {_places(sure)}."
    if maybe:
        return (
            f"In no slice does it lose to {peer} by more than chance; its RMSE is the higher one, within "
            f"chance, on {_places(maybe)}."
        )
    return f"In every slice of {FEWEST} ratings or more its RMSE is at or below that of {peer}."


def _places(bins: list[tuple[str, str]]) -> str:
    grouped: dict[str, list[str]] = {}
    for key, each in bins:
        grouped.setdefault(slice_name(key), []).append(bin_name(each))
    return "; ".join(f"{key[0].lower()}{key[1:]}: {listed(each)}" for key, each in grouped.items())


def ranking(figures: Figures) -> str:
    """Return a sentence on the recommendations against popularity."""
    if not {"rater", "popularity"} <= set(figures):
        return ""
    other = figures["popularity"]
    mine, theirs = figures["rater"]["ndcg_10"], other["ndcg_10"]
    low, high = (other.get(f"ndcg_10_diff_ci_{end}", 0.0) for end in ("low", "high"))
    chance = "by more than chance" if low > 0 or high < 0 else "within chance"
    return (
        f"As a recommender among all unseen movies its NDCG@10 is {fixed(mine)}, {_than(mine, theirs)} that "
        f"of plain popularity, {fixed(theirs)}, {chance}."
    )


def _than(mine: float, theirs: float) -> str:
    return "above" if mine > theirs else "below" if mine < theirs else "equal to"
