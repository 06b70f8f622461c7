"""``make lock``: pins the packages that pyproject.toml allows, with hashes, by ``uv pip compile``.

``python -m tools.lock UV [--upgrade]``, where UV is the path of the program. Pins stay as they are
unless ``--upgrade`` is given or pyproject.toml excludes them. torch is pinned without a hash, since
its builds differ between indexes. The build without CUDA must be found: set UV_EXTRA_INDEX_URL to
https://download.pytorch.org/whl/cpu, or UV_FIND_LINKS to a folder with the wheel.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

BASE = Path("requirements.lock")
BASE_EXTRAS = ("pipeline",)
HASHES = Path("requirements.hashes")

OMITTED = {"setuptools": ("external-baselines",), "pandas": ("dev", "external-baselines", "spark")}
"""Package that is left out → extras that use it. torch requires setuptools, which every environment has. ibis
requires pandas, for results that only tests ask for."""

EXTRA_LOCKS = {
    "requirements-browser.lock": ("browser",),
    "requirements-dev.lock": ("dev",),
    "requirements-docs.lock": ("docs", "onnx"),
    "requirements-fuzz.lock": ("fuzz",),
    "requirements-int8.lock": ("int8",),
    "requirements-external-baselines.lock": ("external-baselines",),
    "requirements-spark.lock": ("spark",),
}
"""Lock file → extras whose packages it adds to requirements.lock."""

PIN = re.compile(r"^(?=\S+==)", re.MULTILINE)
"""Start of a pin, which its hashes follow on the next lines."""


def main(uv: str, *options: str) -> None:
    """Write all lock files."""
    base = compile_pins(uv, BASE_EXTRAS, BASE, (*omit(BASE_EXTRAS), *options))
    write_lock(BASE, "Versions of all packages of `make repro`.", base)
    hash_options = (*omit(BASE_EXTRAS), "--generate-hashes", "--no-emit-package=torch")
    hashed = compile_pins(uv, BASE_EXTRAS, BASE, hash_options)
    write_lock(HASHES, "The same versions with hashes, except torch.", hashed)
    for name, extras in EXTRA_LOCKS.items():
        path = Path(name)
        extra_options = (*omit(extras), "--generate-hashes", f"--constraint={BASE}", *options)
        pins = compile_pins(uv, extras, path, extra_options)
        extra_pins = [pin for pin in pins if pin.split()[0] not in {base_pin.split()[0] for base_pin in base}]
        write_lock(path, f"Packages of {' and '.join(extras)} in addition to {BASE}.", extra_pins)


def omit(extras: tuple[str, ...]) -> list[str]:
    """Return uv's options that leave out the packages of ``OMITTED`` that these extras do not use."""
    return [f"--no-emit-package={name}" for name, users in OMITTED.items() if not set(users) & set(extras)]


def compile_pins(uv: str, extras: tuple[str, ...], current: Path, options: tuple[str, ...]) -> list[str]:
    """Return the pins of the project with some extras, each with its hashes if these are requested.

    Args:
        uv: path of uv.
        extras: extras of pyproject.toml.
        current: lock file whose versions are preferred.
        options: further options of ``uv pip compile``.
    """
    with tempfile.TemporaryDirectory() as folder:
        overrides = Path(folder) / "overrides.txt"
        overrides.write_text(f"{torch_requirement()}+cpu\n")
        output = Path(folder) / "output.lock"
        if current.exists():
            output.write_bytes(current.read_bytes())
        command = [uv, "pip", "compile", "pyproject.toml", "--quiet", "--no-annotate", "--no-header",
                   "--native-tls", "--python", sys.executable, "--override", str(overrides),
                   "--output-file", str(output), *options]  # fmt: skip
        command += [f"--extra={extra}" for extra in extras]
        subprocess.run(command, check=True)
        text = output.read_text(encoding="utf-8").replace("+cpu", "")
    return [pin for pin in PIN.split(text) if pin.strip()]


def torch_requirement() -> str:
    """Return the requirement of torch in pyproject.toml."""
    match = re.search(r'"(torch==[^"]+)"', Path("pyproject.toml").read_text(encoding="utf-8"))
    if match is None:
        raise ValueError("pyproject.toml: expected an exact version of torch")
    return match[1]


def write_lock(path: Path, comment: str, pins: list[str]) -> None:
    """Write a lock file."""
    path.write_text(f"# {comment} Written by `make lock`.\n{''.join(pins)}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
