"""Latency of the page's server under load: ``python -m bench.serve BUNDLE [CLIENTS] [SECONDS]``.

Each client rates a movie, waits for the recommendations, pauses, and rates the next. Clients and server share
the machine. Prints a row per pause: requests per second, percentiles of the latency, and the server's CPU
time per request, which depends little on other processes.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from reelgraph.app.bundle.format import read_bundle
from tests.helpers.app_server import BINARY, start_server

PAUSES = (5.0, 2.0, 1.0, 0.0)
"""Mean seconds between a response and the next rating."""


def run_client(
    host: str, movies: list[int], seed: int, pause: float, end: float, latencies: list[float]
) -> None:
    """Rate movies until the end; append the seconds to each response to ``latencies``."""
    rng = np.random.default_rng(seed)
    connection = http.client.HTTPConnection(host, timeout=60)
    ratings: list[tuple[int, float, int | None]] = []
    time.sleep(pause * rng.random())
    while time.perf_counter() < end:
        unrated = [
            movie
            for movie in rng.choice(movies, 3).tolist()
            if movie not in {rated for rated, _, _ in ratings}
        ]
        ratings += [(movie, float(rng.integers(1, 11)) / 2, None) for movie in unrated[:1]]
        ratings = ratings[-60:]
        start = time.perf_counter()
        connection.request(
            "POST", "/api/recommend", json.dumps({"ratings": ratings}), {"Content-Type": BINARY}
        )
        result = json.loads(connection.getresponse().read())
        latencies.append(time.perf_counter() - start)
        if len(result["recommendations"]) != 10:
            raise RuntimeError(f"expected 10 recommendations, got {len(result['recommendations'])}")
        time.sleep(pause * 2 * rng.random())


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process, from Linux' /proc."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(url: str, process: int, movies: list[int], clients: int, pause: float, seconds: float) -> str:
    """Run the clients; return a row of the table."""
    latencies: list[float] = []
    cpu_before = cpu_seconds(process)
    end = time.perf_counter() + seconds
    host = urlsplit(url).netloc
    threads = [
        threading.Thread(target=run_client, args=(host, movies, seed, pause, end, latencies))
        for seed in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p95, p99 = np.percentile(np.array(latencies) * 1000, [50, 95, 99])
    cpu_ms = (cpu_seconds(process) - cpu_before) / len(latencies) * 1000
    rate = len(latencies) / seconds
    return f"{clients:>8}{pause:>10.1f}{rate:>13.1f}{p50:>8.0f}{p95:>8.0f}{p99:>8.0f}{cpu_ms:>8.1f}"


def main(bundle: Path, clients: int = 50, seconds: float = 20) -> None:
    """Print the table."""
    movies = read_bundle(bundle).catalog.movie_ids.tolist()
    header = (
        ("clients", 8),
        ("pause s", 10),
        ("requests/s", 13),
        ("p50 ms", 8),
        ("p95 ms", 8),
        ("p99 ms", 8),
        ("CPU ms", 8),
    )
    print(f"{len(movies):,} movies\n{''.join(f'{head:>{width}}' for head, width in header)}")
    with start_server(bundle) as server:
        measure(*server, movies, 2, 0.0, 3)
        for pause in PAUSES:
            print(measure(*server, movies, clients, pause, seconds), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
