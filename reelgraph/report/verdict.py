"""In words: who wins, by how much, and where the rater loses."""

from __future__ import annotations

from collections.abc import Mapping

from reelgraph.report.inputs import Figures
from reelgraph.report.tables import against
from reelgraph.report.wording import bin_name, fixed, listed, name, slice_name, span


def verdict(found: Mapping[str, Figures]) -> list[str]:
    """Return sentences on the rater against all models.

    Args:
        found: models, the best first, as ``tables.models`` gives them.
    """
    mine = found["rater"]
    others = {key: row for key, row in found.items() if key != "rater"}
    interval = span(mine.get("rmse_low"), mine.get("rmse_high"))
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
        gap = span(nearest["rater_minus_low"], nearest["rater_minus_high"], sign=True)
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
    """Return a sentence on the slices in which the rater's RMSE is above its peer's."""
    if not slices:
        return ""
    all_bins = [(key, each, row) for key, bins in slices.items() for each, row in bins.items()]
    sure = [(key, each) for key, each, row in all_bins if against(row) == "worse"]
    maybe = [(key, each) for key, each, row in all_bins if row["rmse"] > row["peer_rmse"]]
    if sure:
        return f"It loses by more than chance here: {_places(sure)}."
    if maybe:
        return (
            "In no slice does it lose by more than chance. Its RMSE is above the strongest peer's, within "
            f"chance, here: {_places(maybe)}."
        )
    return "In every slice its RMSE is at or below the strongest peer's."


def _places(bins: list[tuple[str, str]]) -> str:
    grouped: dict[str, list[str]] = {}
    for key, each in bins:
        grouped.setdefault(slice_name(key), []).append(bin_name(each))
    return "; ".join(f"{key[0].lower()}{key[1:]}: {listed(each)}" for key, each in grouped.items())


def ranking(figures: Figures) -> str:
    """Return a sentence on the recommendations against popularity."""
    if not {"rater", "popularity"} <= set(figures):
        return ""
    mine, theirs = figures["rater"]["ndcg_10"], figures["popularity"]["ndcg_10"]
    word = "above" if mine > theirs else "below"
    return (
        f"As a recommender among all unseen movies its NDCG@10 is {fixed(mine)}, {word} that of plain "
        f"popularity, {fixed(theirs)}."
    )
