"""The effects of a change on one screen, as Markdown: ``python -m tools.pr_report BASE [LINKS]``.

First comes the verdict, test RMSE by paired comparison on the same targets, then the params that differ, the
state of the lock, the stages that ran again and why, and the metrics that left their interval. The rest is
folded. LINKS is the address of the plots' folder, for links that work outside of the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reelgraph.evaluation.markdown import escape_markdown
from tools.review import sections
from tools.review.comparisons import NOT_COMPARED, UNCHANGED, Comparison
from tools.review.revision import Sides

MAX_BYTES = 60_000
"""Largest report: a comment on GitHub holds 65,536 characters."""
RESERVED_BYTES = 500
"""Room for the lines that say what is left out."""
MAX_SHOWN = 8
"""Rows of a section that are not folded."""

Fold = tuple[str, list[str], list[str]]
"""Title; first lines that belong together, such as a table's header; lines that may be cut."""


def build_report(sides: Sides, lock: str, link_root: str = "") -> str:
    """Return the review of the change from a git revision to the workspace.

    Args:
        sides: the project at the revision and in the workspace.
        lock: a line on the state of the lock.
        link_root: put before the path of a linked file.
    """
    base = sides.base
    before, after = sections.lock_entries(sides)
    changes, unexplained = sections.find_changes(before, after)
    comparisons = sections.compare_all_targets(sides, unexplained, after)
    param_header, params = _split_table(sections.param_table(base, sections.param_rows(sides)))
    beyond_rows, within_rows = sections.metric_rows(sides, unexplained, after)
    has_other_targets = any(comparison.verdict == NOT_COMPARED for comparison in comparisons[:1])
    if has_other_targets:  # an interval of other targets says nothing of these
        beyond_rows, within_rows = [], [*beyond_rows, *within_rows]
    metric_header, beyond = _split_table(sections.metric_table(base, beyond_rows))
    within = _split_table(sections.metric_table(base, within_rows))[1]
    stages = sections.stage_lines(changes)
    plots = sections.plot_links(sides, link_root)
    if not (stages or params or beyond or within or plots):
        nothing = f"No param, stage, metric or plot differs from {escape_markdown(base)}."
        return f"{nothing}\n\n{lock}\n"
    lines = [
        *_verdict_lines(comparisons),
        *(["", *param_header, *params[:MAX_SHOWN]] if params else ["", "No param differs."]),
        "",
        lock,
        *(["", "Stages that ran again, and what differs:", *stages[:MAX_SHOWN]] if stages else []),
        *([] if has_other_targets else _beyond_lines(metric_header, beyond[:MAX_SHOWN], bool(within))),
    ]
    folds = [
        ("Params", param_header, params[MAX_SHOWN:]),
        ("Stages", [], stages[MAX_SHOWN:]),
        ("Metrics beyond their interval", metric_header, beyond[MAX_SHOWN:]),
        ("Metrics of other targets" if has_other_targets else "Other metrics", metric_header, within),
        ("Plots", [], [f"- {link}" for link in plots]),
    ]
    return _fold_within_limit(lines, folds)


def _split_table(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the header of a Markdown table and its rows."""
    return lines[:2], lines[2:]


def _verdict_lines(comparisons: list[Comparison]) -> list[str]:
    """Return the first comparison in bold, and an item for each other one that differs."""
    if not comparisons:
        return ["**No file of test predictions on either side: nothing is compared.**"]
    first, *others = comparisons
    shown = [f"- {comparison.describe()}" for comparison in others if comparison.verdict != UNCHANGED]
    return [f"**{first.describe()}**", *([""] if shown else []), *shown]


def _beyond_lines(header: list[str], rows: list[str], has_others: bool) -> list[str]:
    if rows:
        return ["", "Metrics beyond the interval of the base:", "", *header, *rows]
    return ["", "No metric is beyond the interval of the base." if has_others else "No metric differs."]


def _fold_within_limit(lines: list[str], folds: list[Fold]) -> str:
    """Return the lines and the folded ones, of which the last are left out if the text grows too long."""
    text = "\n".join(lines) + "\n"
    for title, header, rows in folds:
        if not rows:
            continue
        opening = f"\n<details><summary>{title} ({len(rows)})</summary>\n\n" + "".join(
            f"{line}\n" for line in header
        )
        closing = "\n</details>\n"
        cut = "\n{} more are left out.\n"
        room = MAX_BYTES - RESERVED_BYTES - len((text + opening + cut + closing).encode())
        shown = _take(rows, room)
        left_out = len(rows) - len(shown)
        body = "".join(f"{row}\n" for row in shown) + (cut.format(left_out) if left_out else "")
        text += opening + body + closing if room > 0 else f"\n{title}: {len(rows)} are left out.\n"
    return text


def _take(rows: list[str], room: int) -> list[str]:
    """Return the first rows that have room, in bytes."""
    for count, row in enumerate(rows):
        room -= len(row.encode()) + 1
        if room < 0:
            return rows[:count]
    return rows


def main(base: str = "main", link_root: str = "") -> None:
    """Print the review of the project in the current folder.

    Raises:
        ValueError: ``base`` is not a commit.
    """
    sides = Sides(Path("."), base)
    sides.check()
    print(build_report(sides, sections.lock_line(sides.root), link_root), end="")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
