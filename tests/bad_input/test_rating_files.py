"""Each ratings file is read or refused as expected_rating_files.json states, by command line and server too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reelgraph
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.cli.main import app
from reelgraph.app.rating_imports.scales import SCALE_HINT
from reelgraph.app.server.handlers import PAGE_SCALE_HINT, import_ratings
from reelgraph.runtime.errors import InputError
from tests.bad_input.rating_file_cases import CASES, EXPECTED_FILE, import_file
from tests.helpers import bundle_samples

EXPECTED = json.loads(EXPECTED_FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("rating_files"))


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return reelgraph.load(bundle_folder)


@pytest.mark.parametrize("name", CASES)
def test_import_file_has_the_expected_outcome(name: str) -> None:
    assert import_file(CASES[name]) == EXPECTED[name]


def test_expected_outcomes_are_those_of_all_cases() -> None:
    assert EXPECTED.keys() == CASES.keys()
    for name, outcome in EXPECTED.items():
        if "error" in outcome:
            assert ": expected " in outcome["error"], name
            assert len(outcome["error"]) < 1_000, name


@pytest.mark.parametrize("name", CASES)
def test_match_ratings_exits_with_one_message(name: str, tmp_path: Path, bundle_folder: Path) -> None:
    path = tmp_path / "ratings"
    path.write_bytes(CASES[name])
    result = CliRunner().invoke(app, ["match-ratings", str(path), "--bundle", str(bundle_folder)])
    expected = EXPECTED[name]
    if "error" in expected:
        assert result.exit_code == 1
        assert result.output == f"reelgraph: {expected['error'].replace('FILE', str(path), 1)}\n"
    else:
        assert result.exit_code == (0 if expected["stars"] else 3)
        assert expected["notes"][0] in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("name", CASES)
def test_import_ratings_returns_json_or_raises_an_input_error(name: str, bundle: Bundle) -> None:
    if "error" in EXPECTED[name]:
        with pytest.raises(InputError):
            import_ratings(bundle, CASES[name], {})
        return
    result = json.loads(json.dumps(import_ratings(bundle, CASES[name], {}), allow_nan=False))
    assert len(result["ratings"]) == len(EXPECTED[name]["stars"])
    assert result["notes"] == [note.replace(SCALE_HINT, PAGE_SCALE_HINT) for note in EXPECTED[name]["notes"]]
