"""Files of results: metrics/NAME.json for DVC, curves for ``dvc plots``, and the tables under reports/.

Metrics and tables are rounded here: a figure has as many decimals as its interval supports.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelgraph.runtime.atomic_io import (
    RERUN_HINT,
    Json,
    missing_artifact_error,
    write_json,
    write_text,
)
from reelgraph.runtime.errors import ArtifactError

MAX_DECIMALS = 4
"""Decimals of a figure with an interval, at most."""
DEFAULT_DECIMALS = 3
"""Decimals of a figure without an interval."""

TABLES = {
    "models": ("model",),
    "slices": ("slice", "bin"),
    "calibration": ("prediction",),
    "probabilities": ("model", "slice", "bin"),
    "pit": ("pit",),
    "perturbations": ("perturbation", "targets"),
    "ranking": ("model",),
    "links": ("model", "relation"),
    "embeddings": ("vectors", "processing"),
}
"""Tables of reports/ and the columns that identify a row."""

Rows = Mapping[str, Any]
"""Row by the values of the key columns, one level a column: ``rows[slice][bin]`` → column → figure."""

NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


def supported_decimals(low: float, high: float) -> int:
    """Return the decimals of a figure with this interval: to the second digit of half its width, 0 to 4."""
    half_width = (high - low) / 2
    if not half_width > 0:
        return MAX_DECIMALS
    return min(MAX_DECIMALS, max(0, 1 - math.floor(math.log10(half_width))))


def round_figures(figures: Mapping[str, object], location: str = "figures") -> dict[str, Any]:
    """Round all numbers with a fraction; nested mappings too.

    ``x`` has the decimals that ``x_low`` and ``x_high``, or the deviation ``x_std``, support. Another figure
    has those of the figure that ends its name (``val_rmse``: ``rmse``), or else ``DEFAULT_DECIMALS``.

    Args:
        figures: name → text, number, or nested figures.
        location: name of the figures in the error.

    Raises:
        ValueError: a value is not a finite scalar, which is a bug of the caller.
    """
    decimals = {}
    for name, value in figures.items():
        stem, _, end = name.rpartition("_")
        if end == "low" and isinstance(value, float):
            decimals[stem] = supported_decimals(value, float(str(figures[f"{stem}_high"])))
        elif end == "std" and stem in figures and isinstance(value, float):
            decimals[stem] = supported_decimals(-value, value)
    return {
        name: _rounded(value, _decimals_of(name, decimals), f"{location}: {name}")
        for name, value in figures.items()
    }


def _decimals_of(name: str, decimals: Mapping[str, int]) -> int:
    stem = name.removesuffix("_low").removesuffix("_high").removesuffix("_std")
    fitting = [key for key in decimals if stem == key or stem.endswith(f"_{key}")]
    return decimals[max(fitting, key=len)] if fitting else DEFAULT_DECIMALS


def _rounded(value: object, decimals: int, location: str) -> Json:
    if isinstance(value, Mapping):
        return round_figures(value, location)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isfinite(value):
        return round(value, decimals) + 0.0  # no negative zero
    if isinstance(value, str | int):
        return value
    raise ValueError(f"{location} is {value!r}, not a finite scalar")


def format_figures(values: Sequence[float]) -> list[str]:
    """Return rounded numbers as text with equal decimals, as many as one of them needs."""
    decimals = max((len(str(value).partition(".")[2]) for value in values), default=0)
    return [f"{value:.{decimals}f}" for value in values]


def write_metrics(figures: Mapping[str, object], path: Path | str) -> None:
    """Write rounded scalars for ``dvc metrics``, in the order given.

    Raises:
        ValueError: a value is not a finite scalar, which is a bug of the caller.
    """
    write_json(round_figures(figures, str(path)), path, sort_keys=False)


def write_report(name: str, rows: Rows) -> None:
    """Write reports/NAME.tsv, one of ``TABLES``."""
    write_table(rows, TABLES[name], f"reports/{name}.tsv")


def read_reports(folder: Path | str = "reports") -> dict[str, dict[str, Any]]:
    """Read all ``TABLES``; a missing file counts as empty."""
    paths = {name: Path(folder) / f"{name}.tsv" for name in TABLES}
    return {name: read_table(path, TABLES[name]) if path.exists() else {} for name, path in paths.items()}


def write_curve(name: str, values: Mapping[int, float], path: Path | str) -> None:
    """Write a value of some epochs as TSV for ``dvc plots``.

    Args:
        name: of the value's column.
        values: epoch → value.
        path: the output file.
    """
    lines = [f"{epoch}\t{value:.6f}" for epoch, value in values.items()]
    write_text("\n".join([f"epoch\t{name}", *lines]) + "\n", path)


def write_table(rows: Rows, keys: Sequence[str], path: Path | str) -> None:
    """Write rounded rows as tab-separated values with a header.

    Args:
        rows: row by its key columns. An absent figure is an empty cell.
        keys: names of the key columns.
        path: the output file.

    Raises:
        ValueError: a value is not a finite scalar, which is a bug of the caller.
    """
    flat = [(names, round_figures(row, f"{path}: {names}")) for names, row in _flatten(rows, len(keys))]
    columns = list(dict.fromkeys(column for _, row in flat for column in row))
    lines = [[*keys, *columns]]
    lines += [[*names, *(str(row.get(column, "")) for column in columns)] for names, row in flat]
    write_text("".join("\t".join(line) + "\n" for line in lines), path)


def _flatten(rows: Rows, depth: int) -> Iterator[tuple[tuple[str, ...], Rows]]:
    if not depth:
        yield (), rows
        return
    for name, inner in rows.items():
        for names, row in _flatten(inner, depth - 1):
            yield (name, *names), row


def read_table(path: Path | str, keys: Sequence[str]) -> dict[str, Any]:
    """Read a file of ``write_table``: row by its key columns, without empty cells.

    Raises:
        ArtifactError: the file is missing, or is not a table with these key columns.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(str(path), "a table", str(error), RERUN_HINT) from None
    return parse_table(text, keys, str(path))


def parse_table(text: str, keys: Sequence[str], path: str) -> dict[str, Any]:
    """Return the rows of a table's text; see ``read_table``.

    Raises:
        ArtifactError: the text is not a table with these key columns.
    """
    header, *lines = (line.split("\t") for line in text.splitlines() or [""])
    expected = f"a table with the columns {', '.join(keys)}, …"
    if header[: len(keys)] != list(keys):
        raise ArtifactError(path, expected, ", ".join(header[: len(keys)]), RERUN_HINT)
    rows: dict[str, Any] = {}
    for number, cells in enumerate(lines, start=2):
        if len(cells) != len(header):
            raise ArtifactError(path, expected, f"{len(cells)} cells in line {number}", RERUN_HINT)
        inner = rows
        for name in cells[: len(keys)]:
            inner = inner.setdefault(name, {})
        figures = zip(header[len(keys) :], cells[len(keys) :], strict=True)
        inner |= {column: _parse(cell) for column, cell in figures if cell}
    return rows


def _parse(cell: str) -> str | int | float:
    if not NUMBER.fullmatch(cell):
        return cell
    return int(cell) if cell.lstrip("-").isdigit() else float(cell)
