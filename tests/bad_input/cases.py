"""All bad inputs by name, and what is said of each: ``python -m tests.bad_input.cases`` writes that anew."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bad_input import artifact_cases, param_cases, table_cases, text_cases
from tests.helpers.stage_cases import Case, run_case

CASES = table_cases.CASES | text_cases.CASES | param_cases.CASES | artifact_cases.CASES

SAID = Path(__file__).parent / "expected.json"
"""Name → exit code and what was said; of what is accepted the rows, else what is new on disk."""


def outcome(case: Case, folder: Path, finished: Path) -> dict[str, object]:
    """Give the case a folder and open its door; the working directory must be the project's."""
    if case.needs_finished_run:
        shutil.copytree(finished, folder, dirs_exist_ok=True)
    return json.loads(json.dumps(run_case(case, folder)))


def main() -> None:
    """Write what is said now: to be read, line by line, before it is committed."""
    with tempfile.TemporaryDirectory() as scratch:
        finished = Path(scratch) / "finished"
        finished.mkdir()
        artifact_cases.finished_run(finished)
        found = {}
        for number, (name, case) in enumerate(CASES.items()):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            try:
                found[name] = outcome(case, folder, finished)
            except Exception as error:
                found[name] = {"DEFECT": f"{type(error).__name__}: {error}"}
                print(name, found[name], file=sys.stderr)
            shutil.rmtree(folder)
    lines = [f"{json.dumps(name)}: {json.dumps(said, ensure_ascii=False)}" for name, said in found.items()]
    SAID.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
