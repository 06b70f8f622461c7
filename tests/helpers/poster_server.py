"""Responses as TMDB's API and its host of images give them, with one poster for every movie."""

from __future__ import annotations

import json

from tests.helpers.download_server import RequestLog, Response

JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300ffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc0000b080001"
    "000101011100ffc40014000100000000000000000000000000000000ffc4001410010000000000000000000000000000"
    "0000ffda0008010100003f003fffd9"
)
"""A grey pixel."""
WITHOUT_POSTER = 9


class PosterApi:
    """Responds by path; the images are at ``images_url``, by default at the host of the request."""

    def __init__(self, images_url: str | None = None, image: bytes = JPEG) -> None:
        self.images_url = images_url
        self.image = image

    def __call__(self, path: str, log: RequestLog) -> Response:
        if path == "/configuration":
            base_url = f"{self.images_url or 'http://' + log.headers['Host']}/t/p/"
            return 200, json.dumps({"images": {"secure_base_url": base_url}}).encode(), {}
        if path.startswith("/movie/"):
            poster = None if path == f"/movie/{WITHOUT_POSTER}" else "/poster.jpg"
            return 200, json.dumps({"poster_path": poster}).encode(), {}
        return 200, self.image, {"Content-Type": "image/jpeg"}
