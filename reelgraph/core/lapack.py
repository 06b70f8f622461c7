"""Routines of LAPACK and BLAS for Cholesky factors that let other threads run.

SciPy's own wrappers hold Python's lock, for seconds if a matrix is large. Here the same routines, which SciPy
exports for Cython, are called by ctypes, which releases it. All of them work in place, on matrices of float32
in Fortran's order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32
from scipy import LowLevelCallable
from scipy.linalg import cython_blas, cython_lapack

Square = Float32[np.ndarray, "n n"]

FLAG = ctypes.c_char_p
INT = ctypes.POINTER(ctypes.c_int)
FLOAT = ctypes.POINTER(ctypes.c_float)
MATRIX = np.ctypeslib.ndpointer(np.float32, ndim=2, flags=("F_CONTIGUOUS", "WRITEABLE"))
LOWER = b"L"
RIGHT = b"R"
NOT_UNIT = b"N"
"""The diagonal of a factor is read."""


def factorize(matrix: Square) -> bool:
    """Replace the lower triangle by L with L · Lᵀ = ``matrix``; return False if it is not positive definite.

    The upper triangle is neither read nor written.
    """
    n, stride = _sizes(matrix)
    info = ctypes.c_int()
    _SPOTRF(LOWER, n, matrix, stride, info)
    return info.value == 0


def invert_product(factor: Square) -> None:
    """Replace L in the lower triangle by the lower triangle of (L · Lᵀ)⁻¹."""
    n, stride = _sizes(factor)
    _SPOTRI(LOWER, n, factor, stride, ctypes.c_int())


def invert_triangle(factor: Square) -> None:
    """Replace L in the lower triangle by L⁻¹."""
    n, stride = _sizes(factor)
    _STRTRI(LOWER, NOT_UNIT, n, factor, stride, ctypes.c_int())


def divide(left: Float32[np.ndarray, "rows n"], factor: Square, transpose: bool = False) -> None:
    """Replace ``left`` by left · L⁻¹, or by left · L⁻ᵀ if ``transpose``."""
    n, stride = _sizes(factor)
    rows, left_stride = _sizes(left)
    operation = b"T" if transpose else b"N"
    one = ctypes.c_float(1)
    _STRSM(RIGHT, LOWER, operation, NOT_UNIT, rows, n, one, factor, stride, left, left_stride)


def _sizes(matrix: np.ndarray) -> tuple[ctypes.c_int, ctypes.c_int]:
    """Return the number of rows, and the distance of two columns, which must not be 0."""
    return ctypes.c_int(len(matrix)), ctypes.c_int(max(len(matrix), 1))


def _load(module: ModuleType, name: str, *argument_types: Any) -> Callable[..., None]:
    """Return a routine that SciPy exports."""
    exported = LowLevelCallable.from_cython(module, name)
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    find_address = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))
    address = find_address(exported.function, exported.signature.encode())
    return ctypes.CFUNCTYPE(None, *argument_types)(address)


_SPOTRF = _load(cython_lapack, "spotrf", FLAG, INT, MATRIX, INT, INT)
_SPOTRI = _load(cython_lapack, "spotri", FLAG, INT, MATRIX, INT, INT)
_STRTRI = _load(cython_lapack, "strtri", FLAG, FLAG, INT, MATRIX, INT, INT)
_STRSM = _load(cython_blas, "strsm", FLAG, FLAG, FLAG, FLAG, INT, INT, FLOAT, MATRIX, INT, MATRIX, INT)
