"""Opening what the commands for people need: the bundle, and a person's ratings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reelgraph.runtime.errors import InputError

if TYPE_CHECKING:  # torch takes a second to import, which --help need not wait for
    from reelgraph.app.bundle.model import Bundle
    from reelgraph.app.rating_imports.reading import Matched

PIPELINE, BUNDLE = Path("data"), Path("bundle")


def open_bundle(folder: Path | None) -> Bundle:
    """Load the bundle at ``folder``; without one ``bundle/``, else what the pipeline left under ``data/``.

    Raises:
        InputError: there is none of them.
        ArtifactError: it is broken.
    """
    from reelgraph.app.bundle.gathering import gather, movielens_of_params
    from reelgraph.app.bundle.model import Bundle, load

    one_thread()
    if folder is None and not (BUNDLE / "config.json").is_file():
        if not (PIPELINE / "model").is_dir():
            raise InputError("--bundle", f"a bundle, such as {BUNDLE}/, or the pipeline's {PIPELINE}/model/",
                             "neither here", "Run `make repro`, or name a bundle's folder.")  # fmt: skip
        return Bundle(gather(PIPELINE, movielens_of_params()))
    place = folder or BUNDLE
    if not place.is_dir():
        raise InputError("--bundle", "a bundle's folder", f"no folder {place}",
                         f"Write it with `reelgraph export {place}`.")  # fmt: skip
    return load(place)


def one_thread() -> None:
    """Answer in one thread: one person's matrices are small, and threads wait for each other."""
    import reelgraph.core.torch_setup  # noqa: F401  before torch: it says how torch's threads wait

    import torch  # isort: skip

    torch.set_num_threads(1)


def open_ratings(path: Path, bundle: Bundle) -> Matched:
    """Read a person's ratings and find their movies.

    Raises:
        InputError: it is no file of ratings, or none of its movies is in the bundle.
    """
    from reelgraph.app.rating_imports.reading import match, read_ratings

    matched = match(read_ratings(path), bundle.library, bundle.titles)
    if not matched.found:
        raise InputError(str(path), "a rating of a movie of the bundle", "none",
                         f"`reelgraph ratings {path}` says why.")  # fmt: skip
    return matched
