"""Posters from TMDB with the user's own key, fetched one by one on request; nothing is stored."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

from reelgraph.app.download.http import DownloadError, HttpClient

WIDTH = "w185"
"""TMDB's name of the width, 185 pixels."""
POSTER_PATH = re.compile(r"/\w{1,80}\.jpg", re.ASCII)
JPEG_START = b"\xff\xd8\xff"


class PosterClient:
    """Fetches posters as TMDB's API describes it: the path from a movie, the host from the configuration.

    Args:
        api: client of TMDB's API. Its key is not sent to the host of the images.
    """

    def __init__(self, api: HttpClient) -> None:
        self._api = api

    @cached_property
    def _images(self) -> HttpClient:
        images = self._get_json("/configuration").get("images")
        base_url = images.get("secure_base_url") if isinstance(images, dict) else None
        if not isinstance(base_url, str):
            url = f"{self._api.base_url}/configuration"
            raise DownloadError(url, "the address of TMDB's images", "none", "Check --tmdb-server.")
        return HttpClient(f"{base_url.rstrip('/')}/{WIDTH}")

    def fetch(self, tmdb_id: int) -> bytes | None:
        """Return a movie's poster as JPEG; None if TMDB has none.

        Raises:
            DownloadError: a server can't be reached, rejects the key, or does not respond as TMDB does.
        """
        path = self._get_json(f"/movie/{tmdb_id}").get("poster_path")
        if not isinstance(path, str) or not POSTER_PATH.fullmatch(path):
            return None
        image = self._images.get(path)
        return image if image and image.startswith(JPEG_START) else None

    def _get_json(self, path: str) -> dict[str, Any]:
        """Return the response; empty if it is no JSON object, or there is none."""
        try:
            response = json.loads(self._api.get(path) or b"{}")
        except (ValueError, RecursionError):
            return {}
        return response if isinstance(response, dict) else {}
