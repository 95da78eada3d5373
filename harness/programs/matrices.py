"""Structured matrices."""

from __future__ import annotations

import torch

from harness.cases.sample import Fill


def matrices(fill: Fill, shape: tuple[int, ...], wide: torch.dtype, g: torch.Generator) -> torch.Tensor:
    """A structured matrix, or a batch of them, in a wide dtype, real or complex."""
    *batch, rows, columns = shape
    eye = torch.eye(rows, columns, dtype=wide)

    def normal(*dims: int) -> torch.Tensor:
        return torch.randn((*batch, *dims), generator=g, dtype=wide)

    def unitary(n: int) -> torch.Tensor:
        q: torch.Tensor = torch.linalg.qr(normal(n, n)).Q
        return q

    def spectrum(n: int) -> torch.Tensor:
        signs = torch.randint(0, 2, (*batch, 1, n), generator=g) * 2 - 1
        return signs * torch.arange(1, n + 1)

    match fill.kind:
        case "positive_definite":
            a = normal(rows, columns)
            return a @ a.mH + columns * eye
        case "triangular":
            return normal(rows, columns).tril(-1) * 0.5 + 2 * eye
        case "upper_triangular":
            return normal(rows, columns).triu(1) * 0.5 + 2 * eye
        case "well_conditioned":
            k = min(rows, columns)
            return (unitary(rows)[..., :k] * spectrum(k)) @ unitary(columns)[..., :k].mH
        case "hermitian":
            q = unitary(rows)
            a = (q * spectrum(rows)) @ q.mH
            return (a + a.mH) / 2
        case "diagonalizable":
            q = unitary(rows)
            return q @ _schur(normal(rows, rows).triu(1) * 0.5, g) @ q.mH
        case _:
            raise AssertionError(fill.kind)


def _schur(above: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    """The block triangular matrix with these elements `above` the diagonal and with eigenvalues that are 3 apart.

    Some pairs of neighbours among them are replaced by a conjugate pair a + i, a - i. A complex matrix is multiplied by
    1 + i/2.
    """
    n = above.shape[-1]
    first = 2 * torch.arange(n // 2)  # the lower index of each pair of neighbours
    conjugate = torch.randint(0, 2, (*above.shape[:-2], n // 2), generator=g).to(above.dtype)  # 1 for such a pair
    t = above + torch.diag(3.0 * (torch.arange(n) - n // 2) + 1).to(above.dtype)
    t[..., first + 1, first + 1] -= 3 * conjugate
    t[..., first, first + 1] += conjugate * (1 - t[..., first, first + 1])
    t[..., first + 1, first] = -conjugate
    return t * (1 + 0.5j) if t.is_complex() else t
