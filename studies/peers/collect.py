"""Stage peers: the peers' predictions, the rater's, bias_recent's → metrics/peers.json, peer_slices.json."""

from __future__ import annotations

import pyarrow.compute as pc

from reelgraph.baselines.external.blend import blended
from reelgraph.core.seeds import derive
from reelgraph.evaluation.bundle import read_predictions
from reelgraph.evaluation.predictions import read_table
from reelgraph.evaluation.results import beside_rater
from reelgraph.evaluation.slices import beside_best
from reelgraph.params.base import PARAMS_FILE
from reelgraph.params.peer_table import PeersParams
from reelgraph.params.peers import PEERS_FILE
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.movies import read_movies
from reelgraph.sequences.arrays import read_histories
from reelgraph.sequences.ratings import stars


def work(params: PeersParams) -> str:
    """Compare the peers, and the blend of the best with the person's last residuals, with the rater."""
    released = read_movies("data/movies.parquet", ("release_year",))["release_year"]
    fit, histories = params.evaluate.fit, read_histories("data/histories", len(released))
    peers = read_predictions("data/peers", list(params.peers), histories)
    recent = read_predictions("data/baselines", ["bias_recent"], histories)["bias_recent"]
    blend, peers["fm_recent"] = blended(stars(histories, histories.val), peers["bayesian_fm"], recent)
    rater = read_table("data/predictions.parquet", histories)
    found = beside_rater(histories, rater, peers, fit, params.seed)
    year, draws = pc.cast(released, "float64").to_numpy(), derive(params.seed, "bootstrap")
    slices = beside_best(histories, fit, year, rater, peers, draws)
    write_metrics(found, "metrics/peers.json")
    write_metrics(slices, "metrics/peer_slices.json")
    return f"{len(found)} peers; share of bias_recent in fm_recent {blend.share:.2f}"


if __name__ == "__main__":
    run("peers", PeersParams, work, PARAMS_FILE, PEERS_FILE)
