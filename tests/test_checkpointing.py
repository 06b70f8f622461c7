"""A killed computation goes on where it was, to the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reelgraph.params.base import load
from reelgraph.params.text import BertEncodeParams
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.gp import process_fitting
from reelgraph.raters.rater import Epoch
from reelgraph.runtime import checkpointing
from reelgraph.runtime.checkpointing import Checkpoint, CheckpointDir, resumable
from reelgraph.text import encoder
from reelgraph.text.encoder import encode
from tests.helpers.graphs import random_graph
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params


class KilledError(Exception):
    pass


@pytest.fixture(autouse=True)
def write_every_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointing, "MIN_WRITE_INTERVAL_FACTOR", 0)


def killed_after(times: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Kill the process, as it were, right after the given number of states; count them."""
    n_saved, save_state = [0], Checkpoint.save

    def counted(self: Checkpoint, *args, **more) -> None:
        save_state(self, *args, **more)
        n_saved[0] += 1
        if n_saved[0] == times:
            raise KilledError

    monkeypatch.setattr(Checkpoint, "save", counted)
    return lambda: n_saved[0]


def until_killed(work: Callable[[], object], times: int) -> int:
    """Run the work until it is killed, then to its end; return how many states the second run kept."""
    with pytest.MonkeyPatch.context() as patch:
        killed_after(times, patch)
        with pytest.raises(KilledError):
            work()
    with pytest.MonkeyPatch.context() as patch:
        count = killed_after(-1, patch)
        work()
        return count()


@pytest.mark.parametrize("kind", ["gp", "attention", "transformer"])
def test_fit_rater_resumes_to_the_same_bytes(kind: str, tmp_path: Path) -> None:
    params, people, movie_inputs = (
        small_rater_params(kind),
        random_histories(3, 12, 40, 40),
        small_movie_inputs(),
    )
    epochs_by_run: list[list] = []

    def work(resume: CheckpointDir, name: str) -> None:
        fitted = fit_rater(params, people, movie_inputs, resume)
        epochs_by_run.append(fitted.epochs)
        fitted.train.save(tmp_path / f"{name}.train")
        fitted.train_val.save(tmp_path / f"{name}.train_val")

    with pytest.MonkeyPatch.context() as patch:
        count = killed_after(-1, patch)
        work(CheckpointDir(), "whole")
        states = count()
    uninterrupted = epochs_by_run[0]
    for times in sorted({1, states // 2, states - 1}):
        resume = CheckpointDir(tmp_path / f"resume_{times}")
        n_resumed = until_killed(lambda resume=resume: work(resume, "resumed"), times)
        # Heads of gp are trained in parallel: another one may go on saving when one is killed.
        assert n_resumed <= states - times if kind == "gp" else n_resumed == states - times
        assert epochs_by_run[-1] == uninterrupted
        for fit in ("train", "train_val"):
            resumed, undisturbed = (tmp_path / f"{name}.{fit}" for name in ("resumed", "whole"))
            assert resumed.read_bytes() == undisturbed.read_bytes()


def test_fit_process_is_skipped_for_other_heads_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = random_histories(3, 12, 40, 40)
    movies = small_movie_inputs()

    def fit(name: str, **model: int) -> list[Epoch]:
        checkpoints = CheckpointDir(tmp_path / name, results=tmp_path / "results")
        params = small_rater_params("gp", **model)
        fitted = fit_rater(params, histories, movies, checkpoints)
        fitted.train.save(tmp_path / f"{name}.out")
        return fitted.epochs

    plain = fit_rater(small_rater_params("gp", hidden_dim=24), histories, movies)
    plain.train.save(tmp_path / "plain.out")
    fit("first", hidden_dim=8)
    with monkeypatch.context() as patch:
        patch.setattr(process_fitting, "train_gaussian_process", None)
        assert fit("second", hidden_dim=24) == plain.epochs
    assert (tmp_path / "second.out").read_bytes() == (tmp_path / "plain.out").read_bytes()


def test_result_depends_on_inputs_and_params_and_few_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = load(BertEncodeParams)
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "movies"
    source.write_text("1")

    def is_read(key: int) -> bool:
        """Return whether the result was there; save it otherwise."""
        with resumable("stage", params, [source]) as checkpoints:
            result = checkpoints.subdirectory("train").result("part", {"key": key})
            is_completed = bool(result.completed)
            if not is_completed:
                result.save(1, {"x": torch.ones(1)})
        return is_completed

    assert [is_read(0), is_read(0), is_read(1), is_read(0)] == [False, True, False, True]
    source.write_text("2")
    assert [is_read(0), is_read(0)] == [False, True]
    for key in range(20):
        is_read(key)
    files = list(Path(".cache/results/stage").iterdir())
    assert len(files) == checkpointing.MAX_RESULTS
    assert not is_read(0)
    assert is_read(19)


def test_results_depend_on_the_code_of_the_named_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = load(BertEncodeParams)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpointing, "PACKAGE", tmp_path)
    for package in ("raters", "rankers"):
        Path(package).mkdir()
        Path(package, "code.py").write_text("x = 1")
    packages = ["raters"]

    def folder() -> Path:
        return checkpointing.checkpoint_dir("stage", params, [], packages)

    first = folder()
    Path("rankers/code.py").write_text("x = 2")
    assert folder() == first
    Path("raters/code.py").write_text("x = 2")
    assert folder() != first


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_train_resumes_the_gnn_to_the_same_bits(loss: str, tmp_path: Path) -> None:
    from reelgraph.gnn.bpr import train_bpr
    from reelgraph.gnn.sage import to_hetero_data
    from reelgraph.gnn.trainer import train_on_all_edges
    from reelgraph.params.graph import TrainGnnParams

    graph = random_graph(20, 6)
    features = np.random.default_rng(1).normal(size=(20, 5)).astype(np.float32)
    params = load(TrainGnnParams).gnn.model_copy(
        update={"epochs": 5, "hidden_dim": 8, "out_dim": 8, "loss": loss}
    )

    def work(state: Checkpoint):
        if loss == "softmax":
            return train_on_all_edges(graph, features, params, 5, 7, state)
        return train_bpr(to_hetero_data(graph, features), params, 7, checkpoint=state)

    uninterrupted = work(Checkpoint(None))
    for times in range(1, 5):
        resume, last = CheckpointDir(tmp_path / str(times)), []
        until_killed(lambda resume=resume, last=last: last.append(work(resume.checkpoint("gnn"))), times)
        assert last[-1].losses == uninterrupted.losses
        assert (last[-1].embeddings == uninterrupted.embeddings).all()
        for one, other in zip(last[-1].model.parameters(), uninterrupted.model.parameters(), strict=True):
            assert torch.equal(one, other)


def test_encode_resumes_with_the_next_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text {i}" for i in range(10)] * 2
    batches: list[list[int]] = []

    class Model:
        """Stands for the encoder, whose own tests run it: here it is counted what it is asked."""

        device = torch.device("cpu")

        def get_embedding_dimension(self) -> int:
            return 2

    def encoded(_: Model, tokenized: encoder.TokenizedTexts, rows: np.ndarray, width: int) -> np.ndarray:
        batches.append(rows.tolist())
        return np.array([[width, row] for row in rows], np.float32)

    monkeypatch.setattr(encoder, "_forward", encoded)
    monkeypatch.setattr(encoder, "CHECKPOINT_INTERVAL", 1)
    monkeypatch.setattr(
        encoder, "_tokenize", lambda _, texts: encoder.TokenizedTexts(np.arange(len(texts) + 1) * 8, {}, {})
    )
    uninterrupted = encode(Model(), texts, 3)
    batches.clear()
    resume = CheckpointDir(tmp_path)
    until_killed(lambda: encode(Model(), texts, 3, resume.checkpoint("vectors")), 2)
    assert [rows[0] for rows in batches] == [0, 3, 6, 9]
    assert (encode(Model(), texts, 3, resume.checkpoint("vectors")) == uninterrupted).all()


def test_resumable_keeps_checkpoints_per_input_and_params_until_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = load(BertEncodeParams)
    monkeypatch.chdir(tmp_path)
    input_folder = tmp_path / "movies"
    input_folder.mkdir()
    (input_folder / "a").write_text("1")

    def killed(params: BertEncodeParams) -> int:
        """Return how much was there, keep one more, and die."""
        with resumable("stage", params, [input_folder, "missing"]) as resume:
            state = resume.checkpoint("x")
            completed_states = state.completed
            state.save(completed_states + 1, {"x": torch.ones(1)})
            raise KilledError(completed_states)

    def completed_states(params: BertEncodeParams = params) -> int:
        with pytest.raises(KilledError) as epochs_by_run:
            killed(params)
        return epochs_by_run.value.args[0]

    assert [completed_states(), completed_states(), completed_states()] == [0, 1, 2]
    (input_folder / "a").write_text("2")
    assert [completed_states(), completed_states()] == [0, 1]
    other = params.model_copy(update={"text": params.text.model_copy(update={"batch_size": 7})})
    assert [completed_states(other), completed_states()] == [0, 0]
    state_file = next(Path(".checkpoints").rglob("x.safetensors"))
    state_file.write_bytes(state_file.read_bytes()[:-2])
    assert completed_states() == 0
    with resumable("stage", params, [input_folder, "missing"]):
        pass
    assert not Path(".checkpoints/stage").exists()
