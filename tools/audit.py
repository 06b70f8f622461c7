"""``make audit``: compares the installed packages with the lock files and with their own records.

It works offline. ``pip-audit``, which ``make audit`` runs next, asks an advisory service for known
vulnerabilities and writes the bill of materials.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

HASHES = Path("requirements.hashes")
"""Hashes of the packages in requirements.lock; the other lock files contain their own."""

PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)

UNPINNED = ("pip", "setuptools", "wheel", "reelgraph")
"""Packages that lock files need not pin: the installers and the project itself."""


def main() -> None:
    """Check the environment of this interpreter; exit with 1 on any violation."""
    pins = read_pins(sorted(Path().glob("requirements*.lock")))
    installed = {normalize_name(package.metadata["Name"]): package for package in distributions()}
    violations = [*compare_with_pins(pins, installed), *missing_hashes()]
    for name, package in sorted(installed.items()):
        violations += [f"{name}: {violation}" for violation in modified_files(package)]
    print(f"{len(installed)} packages installed, {len(pins)} pinned, {len(read_hashes())} with hashes")
    print("\n".join(violations) or "Every version is as pinned, every file as its wheel recorded it.")
    sys.exit(bool(violations))


def normalize_name(name: str) -> str:
    """Return a package's normalized name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(paths: Iterable[Path]) -> dict[str, str]:
    """Return name → version of the pins in lock files."""
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return {normalize_name(name): version for text in texts for name, version in PIN.findall(text)}


def read_hashes() -> dict[str, list[str]]:
    """Return name → sha256 of all files that the package index has of the pinned version."""
    hashes: dict[str, list[str]] = {}
    for path in (HASHES, *Path().glob("requirements-*.lock")):
        name = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if pin := PIN.match(line):
                name = normalize_name(pin[1])
            hashes.setdefault(name, []).extend(re.findall(r"--hash=sha256:(\w+)", line))
    return {name: values for name, values in hashes.items() if values}


def compare_with_pins(pins: Mapping[str, str], installed: Mapping[str, Distribution]) -> Iterator[str]:
    """Yield a message for each installed package without a pin or of another version."""
    for name, package in sorted(installed.items()):
        version = package.version.split("+")[0]  # torch has a local version, such as +cpu
        if name in UNPINNED:
            continue
        if name not in pins:
            yield f"{name} {version}: in no lock file"
        elif version != pins[name]:
            yield f"{name}: {version} installed, {pins[name]} pinned"


def missing_hashes() -> Iterator[str]:
    """Yield a message for each pin without a hash, and for each whose version differs in requirements.hashes.

    torch has no hash, since its builds differ between indexes.
    """
    pins = read_pins([Path("requirements.lock")])
    hashed_pins = read_pins([HASHES])
    for name in sorted({*pins, *hashed_pins} - {"torch"}):
        if pins.get(name) != hashed_pins.get(name):
            versions = f"{pins.get(name)} in requirements.lock, {hashed_pins.get(name)} in {HASHES}"
            yield f"{name}: {versions}; run `make lock`"
    for name in sorted(read_pins(Path().glob("requirements-*.lock")).keys() - read_hashes().keys()):
        yield f"{name}: pinned without a hash; run `make lock`"


def modified_files(package: Distribution) -> Iterator[str]:
    """Yield a message for each file of an installed package that differs from its wheel.

    The record is read here: since Python 3.12, ``Distribution.files`` leaves missing files out.
    """
    for row in csv.reader((package.read_text("RECORD") or "").splitlines()):
        name, recorded = row[:2]
        mode, _, digest = recorded.partition("=")
        if mode == "sha256" and _sha256(Path(str(package.locate_file(name)))) != digest:
            yield f"{name} is not as its wheel recorded it"


def _sha256(path: Path) -> str | None:
    """Return the file's hash as wheels record it; None for a missing file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


if __name__ == "__main__":
    main()
