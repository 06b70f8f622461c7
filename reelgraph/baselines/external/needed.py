"""The peers' packages, which the pipeline does without."""

from __future__ import annotations

import warnings
from importlib import import_module
from types import ModuleType

from reelgraph.runtime.errors import PackageError


def needed(package: str) -> ModuleType:
    """Import a package of the extra ``peers``.

    Raises:
        PackageError: it is not installed.
    """
    try:
        with warnings.catch_warnings():  # myfm 0.4 reads its own version by the deprecated pkg_resources
            warnings.simplefilter("ignore")
            return import_module(package)
    except ImportError as error:
        remedy = "Install the peers' packages: pip install -r requirements-peers.lock"
        raise PackageError(package, "the package", str(error), remedy) from error
