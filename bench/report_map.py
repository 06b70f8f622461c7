"""Seconds until the report's map is drawn, by the number of movies: ``python -m bench.report_map``.

Opens the report in headless Chromium. Prints the median of some loads with few and with many movies, and
their ratio.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from reelgraph.report.build import build_report
from tests.helpers import report_samples
from tests.helpers.browser import launch_chromium, open_page

MOVIES = (1_500, 54_000)
LOADS = 5
DRAWN = "() => performance.getEntriesByName('atlas-drawn')[0]?.startTime"


def main() -> None:
    """Load, print."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as folder, launch_chromium() as browser:
        for count in MOVIES:
            path = Path(folder) / f"{count}.html"
            path.write_text(build_report(report_samples.inputs(count)), encoding="utf-8")
            with open_page(browser, path.as_uri()) as opened:
                seconds.append(median(_time_load(opened.page) for _ in range(LOADS)))
            print(f"{count:,} movies: {seconds[-1]:.2f} s")
    print(f"ratio {seconds[1] / seconds[0]:.1f}")


def _time_load(page: Any) -> float:
    """Load the page again and return the seconds until the map is drawn."""
    page.reload()
    return page.wait_for_function(DRAWN).json_value() / 1000


if __name__ == "__main__":
    main()
