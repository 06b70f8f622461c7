"""Routines of LAPACK that are called by ctypes."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from reelgraph.core import lapack


def positive_definite(size: int) -> np.ndarray:
    x = np.random.default_rng(size).normal(size=(2 * size, size))
    return np.array(x.T @ x + np.eye(size), np.float32, order="F")


@pytest.mark.parametrize("size", [0, 1, 2, 30])
def test_a_factor_gives_the_inverse_and_solutions(size: int) -> None:
    matrix = positive_definite(size)
    factor = matrix.copy(order="F")
    assert lapack.factorize(factor)
    lower = np.tril(factor)
    np.testing.assert_allclose(lower @ lower.T, matrix, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(np.triu(factor, 1), np.triu(matrix, 1))
    inverse = factor.copy(order="F")
    lapack.invert_product(inverse)
    np.testing.assert_allclose(np.tril(inverse), np.tril(np.linalg.inv(matrix)), atol=1e-4)
    triangle = factor.copy(order="F")
    lapack.invert_triangle(triangle)
    np.testing.assert_allclose(np.tril(triangle) @ lower, np.eye(size), atol=1e-4)
    for rows in (0, 1, 7):
        left = np.asfortranarray(np.random.default_rng(rows).normal(size=(rows, size)), np.float32)
        quotient = left.copy(order="F")
        lapack.divide(quotient, factor)
        np.testing.assert_allclose(quotient @ lower, left, atol=1e-4)
        quotient = left.copy(order="F")
        lapack.divide(quotient, factor, transpose=True)
        np.testing.assert_allclose(quotient @ lower.T, left, atol=1e-4)


def test_factorize_tells_that_a_matrix_is_not_positive_definite() -> None:
    assert not lapack.factorize(np.array([[1, 2], [2, 1]], np.float32, order="F"))


@pytest.mark.parametrize(
    "matrix", [np.ones((3, 3), np.float32), np.ones((3, 6), np.float32)[:, ::2]], ids=["C order", "strided"]
)
def test_factorize_refuses_other_orders(matrix: np.ndarray) -> None:
    with pytest.raises(ctypes.ArgumentError):
        lapack.factorize(matrix)
