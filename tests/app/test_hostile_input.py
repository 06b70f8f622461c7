"""Every command and endpoint with hostile input ends in words: no traceback, no control characters."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

import reelgraph
from reelgraph.app.bundle.format import read_bundle, write_bundle
from reelgraph.app.cli.main import app
from reelgraph.app.server import limits, server
from reelgraph.runtime.errors import ArtifactError
from tests.app.test_archives import zip_files
from tests.helpers.app_server import send_request
from tests.helpers.bundle_samples import sample_catalog, write_sample_bundle

HEADER = "Date,Name,Year,Letterboxd URI,Rating\n"
ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\u2066"


def encrypted_zip() -> bytes:
    content = bytearray(zip_files({"ratings.csv": HEADER + "2024-01-01,Heat,1995,u,4\n"}))
    for magic, position in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + position] |= 1
    return bytes(content)


def unknown_method_zip() -> bytes:
    content = bytearray(zip_files({"ratings.csv": HEADER, "watched.csv": HEADER}))
    for magic, position in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(magic) + position] = 99
    return bytes(content)


HOSTILE_FILES: dict[str, bytes] = {
    "empty.csv": b"",
    "binary.csv": bytes(range(256)) * 40,
    "deep.json": b"[" * 200_000,
    "deep_object.json": b'{"a":' * 200_000,
    "surrogate.json": b'[{"title": "\\ud800", "year": 1995, "rating": 4}]',
    "digits.json": b'[{"title": "Heat", "rating": ' + b"9" * 5_000 + b"}]",
    "nan.json": b'[{"title": "Heat", "rating": NaN, "year": Infinity}]',
    "controls.csv": f"{HEADER}2024-01-01,{ESCAPE},1995,u,4\n".encode(),
    "quotes.csv": (HEADER + '2024-01-01,"' * 2_000).encode(),
    "encrypted.zip": encrypted_zip(),
    "method.zip": unknown_method_zip(),
    "parent.zip": zip_files({"../../ratings.csv": HEADER}),
    "bomb.zip": zip_files({"ratings.csv": b"0" * 10_000_000}, zipfile.ZIP_DEFLATED),
    "cut.zip": zip_files({"ratings.csv": HEADER})[:-30],
    "dates.csv": f"{HEADER}99999-99-99,Heat,1995,u,4\n-1,Amelie,2001,u,5\n".encode(),
    "ids.csv": b"title,rating,imdb_id,movieId\nHeat,4,tt" + b"9" * 5_000 + b"," + b"9" * 5_000 + b"\n",
}
COMMANDS = (
    ("predict", "-r", "FILE", "Heat (1995)"),
    ("recommend", "-r", "FILE"),
    ("recommend", "-r", "good.csv", "--from", "FILE"),
    ("recommend", "-r", "good.csv", "--without", "FILE"),
    ("match-ratings", "FILE"),
    ("compare", "FILE", "good.csv"),
    ("backtest", "FILE"),
)
HOSTILE_TEXTS = ("", ESCAPE, "\udce9", "9" * 5_000, "(" * 3_000, "movieId 99999999999999999", "\0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_sample_bundle(folder)
    for name, content in HOSTILE_FILES.items():
        (folder / name).write_bytes(content)
    (folder / "good.csv").write_text(f"{HEADER}2024-01-01,Heat,1995,u,4\n")
    return folder


def run(folder: Path, *arguments: str) -> None:
    """Run a command; whatever the result, it is in words that a terminal can show."""
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 1, 2, 3)
    assert "Traceback" not in result.output
    assert not set(result.output) & set("\x1b\x07\u202e\u2066")


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_commands_end_in_words_on_hostile_files(folder: Path, name: str) -> None:
    for command in COMMANDS:
        run(folder, *(name if word == "FILE" else word for word in command))
        if name == "controls.csv":
            run(folder, *(name if word == "FILE" else word for word in command), "--json")


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
def test_commands_end_in_words_on_hostile_arguments(folder: Path, text: str) -> None:
    run(folder, "predict", "-r", "good.csv", text)
    run(folder, "similar", text)
    run(folder, "match-ratings", text)
    run(folder, "compare", text, text)
    run(folder, "export", text or ".")
    run(folder, "doctor", "--bundle", text or "nowhere")
    for option in ("--genre", "--exclude-genre", "--language", "--country", "--from", "--without"):
        run(folder, "recommend", "-r", "good.csv", option, text)


def test_commands_show_no_control_characters_of_a_bundle(folder: Path) -> None:
    contents = read_bundle(folder / "bundle")
    n_movies = len(contents.catalog)
    hostile = sample_catalog(n_movies, title=[f"{ESCAPE}\nTitle {row}" for row in range(n_movies)])
    write_bundle(contents.__class__(**{**vars(contents), "catalog": hostile}), folder / "evil")
    for command in (("recommend", "-r", "good.csv"), ("similar", "movieId 101"), ("similar", "zzz")):
        run(folder, *command, "--bundle", "evil")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serve_in_thread(folder) as url:
        yield url


@contextmanager
def serve_in_thread(folder: Path) -> Iterator[str]:
    config = server.server_config(server.create_app(reelgraph.load(folder / "bundle"), ["*"]))
    running = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            running.should_exit = True
            thread.join()


@pytest.mark.parametrize("endpoint", ["recommend", "search", "details", "import"])
def test_endpoints_end_in_words_on_hostile_bodies(url: str, endpoint: str) -> None:
    bodies = [*HOSTILE_FILES.values(), *(text.encode("utf-8", "surrogatepass") for text in HOSTILE_TEXTS)]
    ratings = b'{"ratings": [[101, 4.0, null]], '
    bodies += [ratings + field + b"}" for field in (b'"only": [7]', b'"without": [-1]', b'"top": 1e99')]
    bodies += [b'{"ratings": [[101, 4.0, -9223372036854775809]]}', b'{"ratings": [[101, 4.0, 1e300]]}']
    for body in bodies:
        status, response, _ = send_request(f"{url}api/{endpoint}", body)
        assert status in (200, 413, 422)
        assert status == 200 or json.loads(response)["error"]
        assert b"Traceback" not in response


def test_server_survives_clients_that_stop_or_stall(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "HEAD_TIMEOUT_S", 0.2)
    monkeypatch.setattr(limits, "BODY_TIMEOUT_S", 0.2)
    head = b"POST /api/import HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    with serve_in_thread(folder) as url:
        address = ("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
        with socket.create_connection(address) as client:
            client.sendall(head + b"Content-Length: 1000\r\n\r\nhalf")
        with socket.create_connection(address, 30) as client:
            client.sendall(b"POST /api/imp")
            assert client.recv(100) == b""
        with socket.create_connection(address, 30) as client:
            client.sendall(head + b"Content-Length: 1000\r\n\r\nhalf")
            assert client.recv(1000).startswith(b"HTTP/1.1 408 ")
        idle = http.client.HTTPConnection(*address)
        for _ in range(2):
            idle.request("GET", "/api/movies")
            assert idle.getresponse().read()
            time.sleep(0.4)
        idle.close()
        assert send_request(url + "api/search", b"heat")[0] == 200
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("stats.count", lambda array: array[:-1], "has 39 rows instead of 40"),
        ("stats.count", lambda array: array - 1000, "stats.count is negative"),
        ("stats.damped_effect", lambda array: array * np.nan, "stats.damped_effect is not finite"),
        ("content.entity_block_0", lambda array: array + 2**40, "numbers that are no entities"),
        ("content.entity_block_0", lambda array: array - 5, "numbers that are no entities"),
        ("gp.cooccurrence", lambda array: array * np.nan, "cooccurrence is not finite"),
        ("gp.latent_factors", lambda array: array[:, :-1], "gp.latent_factors is not of 40 movies"),
    ],
)
def test_load_refuses_tampered_tensors(tmp_path: Path, name: str, change, message: str) -> None:
    path = write_sample_bundle(tmp_path)
    tensors = load_file(path / "model.safetensors")
    tensors[name] = np.ascontiguousarray(change(tensors[name]))
    save_file(tensors, path / "model.safetensors")
    with pytest.raises(ArtifactError, match="the file that was exported"):
        reelgraph.load(path)
    contents = read_bundle_without_digests(path)
    write_bundle(contents, tmp_path / "again")
    with pytest.raises(ArtifactError, match=message):
        reelgraph.load(tmp_path / "again").predict([(101, 4.0)], [102])


def read_bundle_without_digests(path: Path):
    """Read a bundle whose weights were changed: with the digest of the changed file."""
    from hashlib import sha256

    config = json.loads((path / "config.json").read_text())
    config["digests"]["model.safetensors"] = sha256((path / "model.safetensors").read_bytes()).hexdigest()
    (path / "config.json").write_text(json.dumps(config))
    return read_bundle(path)


def test_load_refuses_files_of_another_bundle(tmp_path: Path) -> None:
    first = write_sample_bundle(tmp_path / "first")
    second = write_sample_bundle(tmp_path / "second", "attention")
    (first / "model.safetensors").write_bytes((second / "model.safetensors").read_bytes())
    with pytest.raises(ArtifactError, match=r"model\.safetensors: expected the file that was exported"):
        reelgraph.load(first)
