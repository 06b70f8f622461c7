"""``make audit``: installed packages against the lock files and their own records; a bill of materials.

Works offline. Whether a pinned version has become known as vulnerable, only an advisory service can tell:
``pip-audit`` asks one where the network allows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path
from typing import Any

from reelgraph.runtime.atomic_io import write_text

HASHES = Path("requirements.hashes")
"""The hashes of what requirements.lock pins; the extras' locks hold their own."""

SBOM = Path("sbom.cdx.json")

PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)

TOOLS = ("pip", "setuptools", "wheel", "reelgraph")
"""What makes an environment, and the project itself: in no lock file."""


def main() -> None:
    """Check the environment that runs this, write the SBOM, exit with 1 on any difference."""
    pinned = read_pins(sorted(Path().glob("requirements*.lock")))
    installed = {normalize_name(each.metadata["Name"]): each for each in distributions()}
    found = [*compare_with_pins(pinned, installed), *missing_hashes()]
    for name, each in sorted(installed.items()):
        found += [f"{name}: {problem}" for problem in modified_files(each)]
    write_text(json.dumps(bill(pinned, read_hashes()), indent=1) + "\n", SBOM)
    counts = f"{len(installed)} packages installed, {len(pinned)} pinned, {len(read_hashes())} with hashes"
    print(f"{counts}; wrote {SBOM}")
    print("\n".join(found) or "all as pinned, every file as its wheel recorded it")
    sys.exit(bool(found))


def normalize_name(name: str) -> str:
    """Return a package's name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(paths: Iterable[Path]) -> dict[str, str]:
    """Return name → version of what the lock files pin."""
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return {normalize_name(name): version for text in texts for name, version in PIN.findall(text)}


def read_hashes() -> dict[str, list[str]]:
    """Return name → the sha256 of all files that the index has of the pinned version."""
    found: dict[str, list[str]] = {}
    for path in (HASHES, *Path().glob("requirements-*.lock")):
        name = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if pin := PIN.match(line):
                name = normalize_name(pin[1])
            found.setdefault(name, []).extend(re.findall(r"--hash=sha256:(\w+)", line))
    return {name: each for name, each in found.items() if each}


def compare_with_pins(pinned: Mapping[str, str], installed: Mapping[str, Distribution]) -> Iterator[str]:
    """Tell which installed packages are in no lock file, or of another version."""
    for name, each in sorted(installed.items()):
        version = each.version.split("+")[0]  # a build of torch
        if name in TOOLS:
            continue
        if name not in pinned:
            yield f"{name} {version}: in no lock file"
        elif version != pinned[name]:
            yield f"{name}: {version} installed, {pinned[name]} pinned"


def missing_hashes() -> Iterator[str]:
    """Tell what is pinned without a hash, but torch, and where requirements.hashes is of other versions."""
    base, known = read_pins([Path("requirements.lock")]), read_pins([HASHES])
    for name in sorted({*base, *known} - {"torch"}):
        if base.get(name) != known.get(name):
            both = f"{base.get(name)} in requirements.lock, {known.get(name)} in {HASHES}"
            yield f"{name}: {both}; run `make hashes`"
    for name in sorted(read_pins(Path().glob("requirements-*.lock")).keys() - read_hashes().keys()):
        yield f"{name}: pinned without a hash; run `make hashes`"


def modified_files(package: Distribution) -> Iterator[str]:
    """Tell which files of an installed package are not those of its wheel."""
    for file in package.files or ():
        if file.hash and file.hash.mode == "sha256" and not _as_recorded(file):
            yield f"{file} is not as its wheel recorded it"


def _as_recorded(file: PackagePath) -> bool:
    place = Path(str(file.locate()))
    if not place.is_file():
        return False
    with place.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").digest()
    assert file.hash
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value


def bill(pinned: Mapping[str, str], known: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return a CycloneDX 1.6 bill of materials: what the lock files pin, with its hashes."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "externalReferences": [
                {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/",
                 "hashes": [{"alg": "SHA-256", "content": each} for each in known.get(name, [])]}
            ],
        }
        for name, version in sorted(pinned.items())
    ]  # fmt: skip
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "reelgraph", "name": "reelgraph"}},
        "components": components,
    }


if __name__ == "__main__":
    main()
