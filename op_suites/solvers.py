"""Systems of linear equations: inverses, solutions, least squares, rank and condition number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs
from harness.cases.dtypes import EVERY
from harness.cases.numeric import EXACT
from harness.cases.sample import Fill

from .linalg import CHECKED, DEFINITE, FINITE, FLAG, GENERAL, VECTORS, lapack, matrix, of_matrix


def rank_inputs(*, name: str, tensor: bool) -> Inputs:
    """A matrix with singular values 1, 2, 3 ..., and tolerances that cut some of them off and are close to none."""

    def tolerance(d: Draw, lead: Dims, low: float, high: float) -> Any:
        if not tensor:
            return d.choose(OMIT, (low + high) / 2, None)
        real = {"c64": "f32", "c128": "f64"}.get(d.dtype, d.dtype)
        dims = d.choose(None, (), lead)
        return d.choose(OMIT, None) if dims is None else d.tensor(dims, real, Fill(low=low, high=high, nonfinite=False))

    def inputs(d: Draw) -> Mapping[str, Any]:
        hermitian = d.choose(*FLAG)
        rows, lead = d.size("n", high=5), d.shape(0, 2)
        columns = rows if hermitian is True else d.size("m", high=5)
        fill = matrix("hermitian" if hermitian is True else "well_conditioned")
        return {
            name: d.tensor((*lead, rows, columns), fill=fill),
            "atol": tolerance(d, lead, 1.25, 1.75),
            "rtol": tolerance(d, lead, 0.53, 0.55),
            "hermitian": hermitian,
        }

    return inputs


def cond_inputs(d: Draw) -> Mapping[str, Any]:
    """A matrix, and a norm; the matrix is square unless the norm is one of singular values."""
    p = d.choose(OMIT, 2, -2, 1, -1, float("inf"), float("-inf"), None)
    rows = d.size("n", high=5)
    columns = d.size("m", high=5) if p in (OMIT, None, 2, -2) else rows
    return {"self": d.tensor((*d.shape(0, 3), rows, columns), fill=matrix("well_conditioned")), "p": p}


def leads(d: Draw) -> tuple[Dims, Dims]:
    """The batch dims of a matrix and of the right sides: equal, or such that they broadcast."""
    lead = d.shape(0, 2)
    pair: tuple[Dims, Dims] = d.choose(
        (lead, lead), (d.broadcast(lead), lead), (lead, tuple(d.choose(dim, 1) for dim in lead))
    )
    return pair


def solve_inputs(*, checked: bool) -> Inputs:
    """A matrix, and right sides: matrices on either side of it, or vectors."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        n, columns = d.size("n", high=5), d.size("k", high=4)
        left = d.choose(*FLAG)
        how = d.choose("matrix", "matrix", "vector", "vectors") if left is not False else "matrix"
        first, second = leads(d)
        if how == "vectors":
            first = second
        sides: Mapping[str, Dims] = {
            "matrix": (*second, *((n, columns) if left is not False else (columns, n))),
            "vectors": (*second, n),
            "vector": (n,),
        }
        a, b = d.tensor((*first, n, n), fill=matrix(GENERAL)), d.tensor(sides[how], fill=FINITE)
        return {"A": a, "B": b, "left": left, **({"check_errors": d.choose(*FLAG)} if checked else {})}

    return inputs


def triangle(d: Draw, n: str, lead: Dims, *, upper: bool, unit: bool) -> Any:
    """A triangular matrix, or one whose other half is not 0 but must not be read."""
    kind = "upper_triangular" if upper else "triangular"
    return d.tensor((*lead, n, n), fill=matrix(kind if unit else d.choose(kind, DEFINITE)))


def solve_triangular_inputs(d: Draw) -> Mapping[str, Any]:
    """A lower or upper triangle, maybe with ones as its diagonal, on either side of the unknown."""
    n, columns = d.size("n", high=5), d.size("k", high=4)
    upper, left, unit = d.flag(), d.choose(*FLAG), d.choose(*FLAG)
    first, second = leads(d)
    right_side = (n, columns) if left is not False else (columns, n)
    return {
        "self": triangle(d, n, first, upper=upper, unit=unit is True),
        "B": d.tensor((*second, *right_side), fill=FINITE),
        "upper": upper,
        "left": left,
        "unitriangular": unit,
    }


def triangular_solve_inputs(d: Draw) -> Mapping[str, Any]:
    """As `solve_triangular_inputs`, in the older form: right sides first, and the triangle maybe transposed."""
    n, columns = d.size("n", high=5), d.size("k", high=4)
    upper, unit = d.choose(*FLAG), d.choose(*FLAG)
    first, second = leads(d)
    return {
        "self": d.tensor((*second, n, columns), fill=FINITE),
        "A": triangle(d, n, first, upper=upper is not False, unit=unit is True),
        "upper": upper,
        "transpose": d.choose(*FLAG),
        "unitriangular": unit,
    }


def cholesky_inverse_inputs(d: Draw) -> Mapping[str, Any]:
    """A factor, lower or upper."""
    n, upper = d.size("n", high=5), d.choose(*FLAG)
    fill = matrix("upper_triangular" if upper is True else "triangular")
    return {"self": d.tensor((*d.shape(0, 3), n, n), fill=fill), "upper": upper}


def cholesky_solve_inputs(d: Draw) -> Mapping[str, Any]:
    """Right sides and a factor, lower or upper."""
    n, columns, upper = d.size("n", high=5), d.size("k", high=4), d.choose(*FLAG)
    first, second = leads(d)
    fill = matrix("upper_triangular" if upper is True else "triangular")
    right_side = d.tensor((*second, n, columns), fill=FINITE)
    return {"self": right_side, "input2": d.tensor((*first, n, n), fill=fill), "upper": upper}


def pivots(d: Draw, dims: Dims, of: str) -> Any:
    """Which rows were swapped, in LAPACK's form."""
    return d.tensor(dims, "i32", Fill(kind="pivots", of=of, nonfinite=False))


def ldl_solve_inputs(d: Draw) -> Mapping[str, Any]:
    """A factorization with blocks of size 1, and right sides, which may broadcast.

    The factorization never broadcasts: eager then reads the wrong memory.
    """
    n, columns = d.size("n", high=5), d.size("k", high=4)
    first = d.shape(0, 2)
    second = tuple(d.choose(dim, 1) for dim in first)
    return {
        "LD": d.tensor((*first, n, n), fill=matrix("triangular")),
        "pivots": pivots(d, (*first, n), n),
        "B": d.tensor((*second, n, columns), fill=FINITE),
        "hermitian": d.choose(*FLAG),
    }


def lu_solve_inputs(*, legacy: bool) -> Inputs:
    """Both triangles of a factorization in one matrix, its pivots, and right sides."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        n, columns = d.size("n", high=5), d.size("k", high=4)
        first, second = leads(d)
        left = OMIT if legacy else d.choose(*FLAG)
        right_side = (n, columns) if left is not False else (columns, n)
        side = d.tensor((*second, *right_side), fill=FINITE)
        lu, swaps = d.tensor((*first, n, n), fill=matrix(DEFINITE)), pivots(d, (*first, n), n)
        if legacy:
            return {"self": side, "LU_data": lu, "LU_pivots": swaps}
        return {"LU": lu, "pivots": swaps, "B": side, "left": left, "adjoint": d.choose(*FLAG)}

    return inputs


def lu_unpack_inputs(d: Draw) -> Mapping[str, Any]:
    """A factorization, square or not, either half of which may be left packed."""
    square = d.flag()
    rows = d.size("n", high=5, symbolic=square)
    columns = rows if square else d.size("m", high=5, symbolic=False)
    shorter = min(rows, columns, key=d.sizes.__getitem__)
    lead = d.shape(0, 3)
    return {
        "LU_data": d.tensor((*lead, rows, columns)),
        "LU_pivots": pivots(d, (*lead, shorter), rows),
        "unpack_data": d.choose(*FLAG),
        "unpack_pivots": d.choose(*FLAG),
    }


def lstsq_inputs(d: Draw) -> Mapping[str, Any]:
    """As many equations as unknowns, more or fewer, a driver, and a tolerance that is close to no singular value.

    Two of the drivers compare the singular values with the tolerance.
    """
    driver = d.choose(OMIT, "gelsy", "gels", "gelsd", "gelss", None)
    least = 1 if driver in ("gelsd", "gelss") else 0  # with no right side eager refuses the one, dies of the other
    rows, columns, sides = d.size("m", high=5), d.size("n", high=5), d.size("k", least, 4)
    lead = d.shape(0, 2)
    return {
        "self": d.tensor((*lead, rows, columns), fill=matrix(GENERAL)),
        "b": d.tensor((*lead, rows, sides), fill=FINITE),
        "rcond": d.choose(OMIT, None, 0.54 if driver in ("gelsd", "gelss") else 0.01),
        "driver": driver,
    }


def pinverse_inputs(d: Draw) -> Mapping[str, Any]:
    """A matrix with singular values 1, 2, 3 ..., and the share of the largest below which they are cut off."""
    dims = (*d.shape(0, 3), d.size("n", high=5), d.size("m", high=5))
    return {"self": d.tensor(dims, fill=matrix(GENERAL)), "rcond": d.choose(OMIT, 0.54, 0.01)}


def unfolded(d: Draw, *shapes: Any) -> Any:
    """One of the shapes, whose named dim, if it has one, is declared; in dynamic mode it has one."""
    found = d.choose(*(s for s in shapes if d.mode == "static" or "n" in s[0]))
    if "n" in found[0]:
        d.size("n", high=5)
    return found


def tensorinv_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor that is a square matrix once its first `ind` dims are merged into one, and the others into another."""
    dims, ind = unfolded(
        d, (("n", "n"), 1), ((2, 3, 6), OMIT), ((6, 2, 3), 1), ((1, "n", "n"), 2), (("n", 1, "n"), OMIT)
    )
    return {"self": d.tensor(dims, fill=matrix(GENERAL)), "ind": ind}


def tensorsolve_inputs(d: Draw) -> Mapping[str, Any]:
    """As `tensorinv_inputs`, with a right side; some dims may have to be moved to the end before."""
    dims, other, moved = unfolded(
        d,
        (("n", "n"), ("n",), OMIT),
        ((2, 3, 6), (2, 3), None),
        ((3, 6, 2), (6,), (0,)),
        (("n", "n"), ("n",), (0,)),
        ((1, "n", "n"), (1, "n"), OMIT),
        (("n", "n", 1), ("n",), (-1,)),
    )
    return {"self": d.tensor(dims, fill=matrix(GENERAL)), "other": d.tensor(other, fill=FINITE), "dims": moved}


CASES = (
    lapack("linalg_inv.default", of_matrix(GENERAL, name="A")),
    lapack("linalg_inv_ex.default", of_matrix(GENERAL, name="A", options=CHECKED)),
    lapack("linalg_pinv.atol_rtol_float", rank_inputs(name="self", tensor=False)),
    lapack("linalg_pinv.atol_rtol_tensor", rank_inputs(name="self", tensor=True)),
    lapack("pinverse.default", pinverse_inputs),
    lapack("linalg_matrix_rank.atol_rtol_float", rank_inputs(name="self", tensor=False)),
    lapack("linalg_matrix_rank.atol_rtol_tensor", rank_inputs(name="input", tensor=True)),
    lapack("linalg_cond.default", cond_inputs, unexported="but for p=2 and p=-2: it makes every size constant"),
    lapack("linalg_tensorinv.default", tensorinv_inputs),
    lapack("linalg_tensorsolve.default", tensorsolve_inputs, values=VECTORS),
    lapack("linalg_solve.default", solve_inputs(checked=False), values=VECTORS),
    lapack("linalg_solve_ex.default", solve_inputs(checked=True), values=VECTORS),
    lapack("linalg_solve_triangular.default", solve_triangular_inputs, values=VECTORS),
    lapack("triangular_solve.default", triangular_solve_inputs, values=VECTORS),
    lapack("cholesky_inverse.default", cholesky_inverse_inputs),
    lapack("cholesky_solve.default", cholesky_solve_inputs, values=VECTORS),
    lapack("linalg_ldl_solve.default", ldl_solve_inputs, values=VECTORS),
    lapack("linalg_lu_solve.default", lu_solve_inputs(legacy=False), values=VECTORS),
    lapack("lu_solve.default", lu_solve_inputs(legacy=True), values=VECTORS),
    lapack("lu_unpack.default", lu_unpack_inputs, EVERY, EXACT, values=("mixed", "extreme", "nonfinite")),
    lapack(
        "linalg_lstsq.default",
        lstsq_inputs,
        values=VECTORS,
        unexported="the shapes of its results depend on the data (DynamicOutputShapeException)",
    ),
)
