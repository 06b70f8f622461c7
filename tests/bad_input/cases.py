"""All bad inputs by name, and the expected outcomes, which ``python -m tests.bad_input.cases`` writes anew."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bad_input import artifact_cases, param_cases, table_cases, text_cases
from tests.helpers.stage_cases import Case, run_case

CASES = table_cases.CASES | text_cases.CASES | param_cases.CASES | artifact_cases.CASES

EXPECTED_FILE = Path(__file__).parent / "expected.json"
"""Case name → exit code, output, and the rows of new tables or, after a refusal, the new files."""


def run_in_folder(case: Case, folder: Path, finished: Path) -> dict[str, object]:
    """Run a case in a folder; the working directory must be that of the project."""
    if case.needs_finished_run:
        shutil.copytree(finished, folder, dirs_exist_ok=True)
    return json.loads(json.dumps(run_case(case, folder)))


def main() -> None:
    """Write the current outcomes, to be read line by line before a commit."""
    outcomes: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        finished = Path(scratch) / "finished"
        finished.mkdir()
        artifact_cases.finished_run(finished)
        for number, (name, case) in enumerate(CASES.items()):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            try:
                outcomes[name] = run_in_folder(case, folder, finished)
            except Exception as error:
                outcomes[name] = {"DEFECT": f"{type(error).__name__}: {error}"}
                print(name, outcomes[name], file=sys.stderr)
            shutil.rmtree(folder)
    lines = [
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in outcomes.items()
    ]
    EXPECTED_FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
