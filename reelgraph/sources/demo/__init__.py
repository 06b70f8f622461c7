"""Source demo: a generated catalogue and ratings, with their ground truth."""

from __future__ import annotations

from reelgraph.params.data import IngestParams
from reelgraph.sources.demo.generate import generate_demo
from reelgraph.sources.source import Source, Staging


def open_source(params: IngestParams, staging: Staging) -> Source:
    """Generate the demo that section ``demo`` and the root seed define.

    Raises:
        ParamError: the mean number of ratings exceeds the maximum or the number of movies.
    """
    demo = generate_demo(params.demo, params.seed)
    return Source(
        catalog=staging.stage_table("demo_catalog", demo.catalog),
        ratings=staging.stage_table("demo_ratings", demo.ratings),
        catalog_location="the generated catalogue",
        ratings_location="the generated ratings",
        truth=demo.truth,
    )
