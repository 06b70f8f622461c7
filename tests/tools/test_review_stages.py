"""Which stages ran again, and what made them."""

from __future__ import annotations

from typing import Any

from tools.review.stages import compare_entries, writer_of


def entry(out: str, md5: str, *deps: str, cmd: str = "run", **params: Any) -> dict[str, Any]:
    """A lock entry; a dependency is ``PATH=HASH``."""
    pairs = [dep.split("=") for dep in deps]
    return {
        "cmd": cmd,
        "deps": [{"path": path, "md5": value} for path, value in pairs],
        "params": {"params.yaml": params},
        "outs": [{"path": out, "md5": md5}],
    }


def run(rater: str = "r0", code: str = "c0", links: str = "l0", **params: Any) -> dict[str, Any]:
    return {
        "links": entry("metrics/links.json", links, "reelgraph/gnn=g0"),
        "train_rater": entry(
            "data/rater", rater, f"reelgraph/raters={code}", model={"hidden_dim": 128} | params
        ),
        "evaluate": entry("data/model", rater, f"data/rater={rater}", "stages/evaluate.py=e0"),
        "report": entry("data/report", rater, f"data={rater}", "studies/results.json=s0"),
    }


def reasons(before: dict, after: dict) -> dict[str, tuple[list[str], bool]]:
    return {change.name: (change.reasons, change.explained) for change in compare_entries(before, after)}


def test_compare_entries_of_equal_locks() -> None:
    assert compare_entries(run(), run()) == []


def test_compare_entries_follows_a_param_through_the_outputs() -> None:
    assert reasons(run(), run("r1", hidden_dim=256)) == {
        "train_rater": (["param model.hidden_dim"], True),
        "evaluate": (["data/rater"], True),
        "report": (["data"], True),
    }


def test_compare_entries_names_code_and_command() -> None:
    assert reasons(run(), run("r1", "c1"))["train_rater"] == (["reelgraph/raters"], True)
    after = run()
    after["links"] = entry("metrics/links.json", "l1", "reelgraph/gnn=g0", cmd="other")
    assert reasons(run(), after) == {"links": (["command"], True)}


def test_compare_entries_leaves_a_processors_difference_without_a_cause() -> None:
    changed = reasons(run(), run("r1", links="l1"))
    assert changed["links"] == ([], False)
    assert changed["train_rater"] == ([], False)
    assert changed["evaluate"] == (["data/rater"], False)


def test_compare_entries_explains_only_what_the_cause_reaches() -> None:
    changed = reasons(run(), run("r1", links="l1", hidden_dim=256))
    assert changed["links"] == ([], False)
    assert changed["evaluate"][1]


def test_compare_entries_names_new_and_removed_stages() -> None:
    after = run()
    after["layout_map"] = after.pop("links")
    assert reasons(run(), after) == {"layout_map": (["new"], True), "links": (["removed"], True)}


def test_describe_reasons_counts_the_rest() -> None:
    after = run("r1", **{f"key_{i}": i for i in range(6)})
    change = next(change for change in compare_entries(run(), after) if change.name == "train_rater")
    assert change.describe_reasons() == [
        "param model.key_0",
        "param model.key_1",
        "param model.key_2",
        "3 more",
    ]


def test_writer_of_finds_files_in_output_folders() -> None:
    assert writer_of(run(), "data/rater/train.safetensors") == "train_rater"
    assert writer_of(run(), "data/other") == ""
