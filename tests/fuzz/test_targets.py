"""Every reader refuses whatever bytes it gets: drawn ones, well-formed ones with some changed, and all finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import FINDS
from tests.fuzz.targets import SEEDS, TARGETS

EXAMPLES = 20  # `make fuzz` draws more

# Of a row with too few cells that is no UTF-8 either, pyarrow prints an exception before the reader refuses it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("name", TARGETS)
def test_well_formed_content_and_all_finds_are_read_or_refused(name: str) -> None:
    for content in [*SEEDS[name], *(find.read_bytes() for find in sorted(FINDS.glob(f"{name}-*")))]:
        TARGETS[name](content)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=EXAMPLES)
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", [name for name in TARGETS if SEEDS[name]])
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_some_bytes_changed(name: str, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS[name])))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = start + data.draw(st.integers(0, 6))
        content[start:end] = data.draw(st.binary(max_size=6))
    TARGETS[name](bytes(content))
