from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reelgraph.core.instruction_set import KERNELS, pin_instruction_set


@pytest.mark.parametrize(("flags", "is_pinned"), [("fpu avx2 fma", True), ("fpu avx fma", False)])
def test_pin_instruction_set_needs_avx2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, is_pinned: bool
) -> None:
    for name in KERNELS:
        monkeypatch.setenv(name, "other")
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    pin_instruction_set(tmp_path / "cpuinfo")
    expected = KERNELS if is_pinned else dict.fromkeys(KERNELS, "other")
    assert {name: os.environ[name] for name in KERNELS} == expected
    pin_instruction_set(tmp_path / "no such file")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/cpuinfo")
def test_stages_pin_the_kernels_before_numpy_is_loaded() -> None:
    if " avx2 " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("a processor without AVX2")
    code = (
        "import sys; sys.argv = ['-m']; import stages; assert 'numpy' not in sys.modules; "
        "import torch, numpy; from threadpoolctl import threadpool_info; "
        "print(torch.backends.cpu.get_cpu_capability(), *(pool.get('architecture') for pool in threadpool_info()))"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.split()[0] == "AVX2"
    assert "Haswell" in output.split()
