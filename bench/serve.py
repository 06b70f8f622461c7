"""How fast the page answers many people at once: ``python -m bench.serve BUNDLE [CLIENTS] [SECONDS]``.

Each client gives a rating, waits for the recommendations, thinks, and gives the next; clients and
server share the machine. Prints, for each time to think, questions a second, percentiles of the time to an
answer, and the server's CPU time a question, which other work on the machine bears little on.
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

THINKING = (5.0, 2.0, 1.0, 0.0)
"""Seconds between an answer and the next rating."""


def client(host: str, movies: list[int], seed: int, thinking: float, end: float, taken: list[float]) -> None:
    """Rate movies until the end; note the seconds to each answer."""
    draw, connection = np.random.default_rng(seed), http.client.HTTPConnection(host, timeout=60)
    mine: list[tuple[int, float]] = []
    time.sleep(thinking * draw.random())
    while time.perf_counter() < end:
        free = [movie for movie in draw.choice(movies, 3).tolist() if movie not in dict(mine)]
        mine = [*mine, *((movie, float(draw.integers(1, 11)) / 2) for movie in free[:1])][-60:]
        start = time.perf_counter()
        connection.request("POST", "/api/recommend", json.dumps({"ratings": mine}), {"Content-Type": BINARY})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        taken.append(time.perf_counter() - start)
        assert len(said["recommendations"]) == 10
        time.sleep(thinking * 2 * draw.random())


def cpu(process: int) -> float:
    """Return the seconds of CPU that a process has used, by Linux' /proc."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(url: str, process: int, movies: list[int], clients: int, thinking: float, seconds: float) -> str:
    """Let the clients go; return a line of the table."""
    taken: list[float] = []
    before = cpu(process)
    end = time.perf_counter() + seconds
    host = urlsplit(url).netloc
    threads = [
        threading.Thread(target=client, args=(host, movies, seed, thinking, end, taken))
        for seed in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p95, p99 = np.percentile(np.array(taken) * 1000, [50, 95, 99])
    each = (cpu(process) - before) / len(taken) * 1000
    rate = len(taken) / seconds
    return f"{clients:>8}{thinking:>10.1f}{rate:>13.1f}{p50:>8.0f}{p95:>8.0f}{p99:>8.0f}{each:>8.1f}"


def main(bundle: Path, clients: int = 50, seconds: float = 20) -> None:
    """Print the table."""
    movies = read_bundle(bundle).catalog.movie_ids.tolist()
    heads = (
        ("clients", 8),
        ("think s", 10),
        ("questions/s", 13),
        ("p50 ms", 8),
        ("p95 ms", 8),
        ("p99 ms", 8),
        ("CPU ms", 8),
    )
    print(f"{len(movies):,} movies\n{''.join(f'{head:>{width}}' for head, width in heads)}")
    with start_server(bundle) as server:
        measure(*server, movies, 2, 0.0, 3)
        for thinking in THINKING:
            print(measure(*server, movies, clients, thinking, seconds), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
