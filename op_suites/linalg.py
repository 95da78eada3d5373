"""Linear algebra: products, norms, determinants, factorizations, eigenvalues and singular values.

Matrices are well conditioned by construction, and their eigenvalues and singular values keep apart. Eager has kernels
only for f32, f64 and their complex twins unless a case says more. What is right in several ways (the phase of a vector,
the order of eigenvalues) is compared in a canonical form. The functions that make it use no other function of this
module, since a repro script quotes their source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, FLOAT, INT, REAL
from harness.cases.explicit import NAN, example, tensor
from harness.cases.numeric import Composite, Linear, Numeric, Stated, Ulp
from harness.cases.sample import DtypeArg, Fill, SizeOf
from harness.cases.strategies import row_major

LAPACK = ("f32", "f64", *COMPLEX)
NUMBER = REAL + COMPLEX
FINITE = Fill(reach="unit", nonfinite=False)
FACTORED = Composite((Stated(32, "backward stable: a multiple of the size (5 at most) that no proof states sharply"),))
CROSSED = Composite((Ulp(4),))
"""A difference of two products; each part of a complex one is a sum of two."""
ONE_WAY = {"pivot": "eager has no factorization without pivoting on the CPU"}
ONE_DRIVER = {"driver": "eager has other drivers on CUDA alone"}
FLAG = (OMIT, True, False)
CONSTANT = "export specializes every size of its tensors"
SPARSE = "{}: neither a lowering's contract nor the comparison holds sparse tensors"


def matrix(kind: Any) -> Fill:
    """The fill of a structured matrix."""
    return Fill(kind=kind, nonfinite=False)


# canonical forms ------------------------------------------------------------------------------------------------------


def canonical_qr(results: Sequence[Any]) -> Sequence[Any]:
    """Make the diagonal of R positive, and replace the columns that complete Q by their projector.

    These columns may be any basis of the complement; the projector is cut to as many columns as they are.
    """
    q, r = results
    k = min(r.shape[-2:])
    phase = r.diagonal(0, -2, -1).sgn()
    r = r.clone()
    r[..., :k, :] *= phase.conj().unsqueeze(-1)
    if q.numel():
        q = q.clone()
        rest = q[..., k:]
        q[..., k:] = (rest @ rest.mH)[..., : rest.shape[-1]]
        q[..., :k] *= phase.unsqueeze(-2)
    return [q, r]


def canonical_eigh(results: Sequence[Any]) -> Sequence[Any]:
    """Turn each eigenvector so that its elements have a positive sum."""
    values, vectors = results
    return [values, vectors * vectors.sum(-2, keepdim=True).sgn().conj()]


def canonical_eig(results: Sequence[Any]) -> Sequence[Any]:
    """Sort the eigenvalues by a key that differs for conjugate ones; turn each eigenvector to a positive sum."""
    values, *vectors = results
    order = (values.real + 0.37 * values.imag).argsort(-1)
    values = values.gather(-1, order)
    if vectors:
        v = vectors[0].gather(-1, order.unsqueeze(-2).expand(vectors[0].shape))
        return [values, v * v.sum(-2, keepdim=True).sgn().conj()]
    return [values]


def canonical_svd(results: Sequence[Any]) -> Sequence[Any]:
    """Turn each singular vector in V to a positive sum, and U with it; columns that complete a basis are as in QR."""
    u, s, v = results
    k = s.shape[-1]
    phase = v[..., :k].sum(-2, keepdim=True).sgn().conj()
    out = [u.clone(), v.clone()]
    for x in out:
        rest = x[..., k:]
        x[..., k:] = (rest @ rest.mH)[..., : rest.shape[-1]]
        x[..., :k] *= phase
    return [out[0], s, out[1]]


def canonical_linalg_svd(results: Sequence[Any]) -> Sequence[Any]:
    """As `canonical_svd`, for an op that returns the conjugate transpose of V."""
    u, s, vh = results
    k = s.shape[-1]
    phase = vh[..., :k, :].mH.sum(-2, keepdim=True).sgn().conj()
    out = [u.clone(), vh.mH.clone()]
    for x in out:
        rest = x[..., k:]
        x[..., k:] = (rest @ rest.mH)[..., : rest.shape[-1]]
        x[..., :k] *= phase
    return [out[0], s, out[1].mH]


# inputs ---------------------------------------------------------------------------------------------------------------


def of_matrix(
    *kinds: str, name: str = "self", square: bool = True, options: Mapping[str, tuple[Any, ...]] | None = None
) -> Inputs:
    """A matrix or a batch of them, of one of these kinds, and further arguments, each with one of its `options`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        rows = d.size("n", high=5)
        columns = rows if square else d.size("m", high=5)
        fill = matrix(d.choose(*kinds))
        chosen = {argument: d.choose(*values) for argument, values in (options or {}).items()}
        return {name: d.tensor((*d.shape(0, 3), rows, columns), fill=fill), **chosen}

    return inputs


def norm_inputs(*orders: Any) -> Inputs:
    """A tensor, the order of the norm, the two dims of the matrices, `keepdim` and `dtype`.

    Unless the order is a name, export specializes the dim over which an extremum is taken, and the dims of the batch.
    The FX importer takes no complex `dtype`, so none is drawn.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        order = d.choose(*orders if d.dtype not in ("f16", "bf16") else ("fro", OMIT))
        named = order is OMIT or isinstance(order, str)
        rank = d.integer(2, 4)
        pair = d.axes(range(rank), min_size=rank)[:2]
        at = d.choose(OMIT, pair)
        rows, columns = (-2, -1) if at is OMIT else pair
        free = range(-rank, rank) if named else {1: (rows,), float("inf"): (columns,), 2: (rows, columns)}[abs(order)]
        least = 0 if named or order > 0 else 1
        dims = tuple(d.size(f"d{i}", least, 4, symbolic=i in free or i - rank in free) for i in range(rank))
        singular = order in (2, -2, "nuc")
        return {
            "self": d.tensor(dims, fill=Fill(reach="unit", nonfinite=not singular)),
            "ord": order,
            "dim": at,
            "keepdim": d.choose(*FLAG),
            "dtype": d.choose(OMIT, None, *(() if d.kind == "complex" else (DtypeArg("f64"),))),
        }

    return inputs


def named_norm_inputs(d: Draw) -> Mapping[str, Any]:
    """As `norm_inputs`, with a name as the order, which must be given, and so must the dims of more than one matrix."""
    args = norm_inputs("fro", "nuc")(d)
    named = {**args, "ord": "fro" if args["ord"] is OMIT else args["ord"]}
    return named if len(args["self"].dims) == 2 or args["dim"] is not OMIT else {**named, "dim": (-2, -1)}


def power_inputs(d: Draw) -> Mapping[str, Any]:
    """A square matrix and a power, negative too where it has an inverse in its dtype."""
    powers = (2, 3, 0, 1, 5, -1, -2) if d.dtype in LAPACK else (2, 3, 0, 1, 5)
    fill = FINITE if d.kind == "int" else matrix("well_conditioned")
    n = d.size("n", high=5)
    return {"self": d.tensor((*d.shape(0, 3), n, n), fill=fill), "n": d.choose(*powers)}


def exp_inputs(d: Draw) -> Mapping[str, Any]:
    """A square matrix of modest norm."""
    n = d.size("n", high=5)
    return {"self": d.tensor((*d.shape(0, 3), n, n), fill=Fill(low=-1, high=1, nonfinite=False))}


def chain_inputs(d: Draw) -> Mapping[str, Any]:
    """Two to four matrices to multiply; the first or the last one may be a vector."""
    names = ("n", "k", "l", "m", "p")[: d.integer(3, 5)]
    for name in names:
        d.size(name, high=5)
    dims: list[Dims] = list(pairwise(names))
    if d.flag():
        dims[0] = dims[0][1:]
    if d.flag():
        dims[-1] = dims[-1][:1]
    return {"tensors": tuple(d.tensor(pair) for pair in dims)}


def kron_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors of any ranks."""
    return {"self": d.tensor(d.shape(0, 4, prefix="a")), "other": d.tensor(d.shape(0, 3, prefix="b"))}


def svd_inputs(d: Draw) -> Mapping[str, Any]:
    """A matrix; whole bases or reduced ones, or no vectors, without which export specializes every size."""
    dims = (*d.shape(0, 3), d.size("n", high=5), d.size("m", high=5))
    vectors = d.choose(*FLAG) if d.mode == "static" else d.choose(OMIT, True)
    return {"self": d.tensor(dims, fill=matrix(GENERAL)), "some": d.choose(*FLAG), "compute_uv": vectors}


def ldl_inputs(**options: tuple[Any, ...]) -> Inputs:
    """A Hermitian matrix. A complex one is never passed off as symmetric, which it is not."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        n = d.size("n", high=5)
        hermitian = True if d.kind == "complex" else d.choose(*FLAG)
        chosen = {argument: d.choose(*values) for argument, values in options.items()}
        return {"self": d.tensor((*d.shape(0, 3), n, n), fill=matrix("hermitian")), "hermitian": hermitian, **chosen}

    return inputs


def cross_inputs(*, optional: bool) -> Inputs:
    """Vectors of three elements along a dim; the other dims broadcast. If no dim is given, it is the first of size 3.

    In 16 bits all products are exact: the bound measures how a difference moves, not the roundoff of each product.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        lead = d.shape(0, 4)
        given = d.flag() or not optional
        at = d.integer(0, len(lead)) if given else 0
        dims: Dims = (*lead[:at], 3, *lead[at:])
        ones: Dims = tuple(dim if dim == 3 else d.choose(dim, 1) for dim in dims)
        exact = d.dtype in ("f16", "bf16")
        fill = Fill(low=-7, high=7, step=1) if exact else Fill(reach="unit")
        dim = d.choose(at, at - len(dims)) if given else d.choose(OMIT, None)
        if not optional and at == len(lead):
            dim = d.choose(OMIT, dim)
        return {"self": d.tensor(dims, fill=fill), "other": d.tensor(ones, fill=fill), "dim": dim}

    return inputs


def vander_inputs(d: Draw) -> Mapping[str, Any]:
    """A vector or a batch of them, and the number of powers, at least two; by default the number of elements."""
    powers = d.choose(OMIT, 3, 2, None, 6, SizeOf("n"))
    counted = 3 if d.mode == "dynamic" else 2  # export specializes the product of a single element
    n = d.size("n", 0 if isinstance(powers, int) else counted, 5)
    return {"x": d.tensor((*d.shape(0, 3), n)), "N": powers}


def reflectors(d: Draw) -> tuple[Dims, Dims]:
    """The dims of a matrix with no more columns than rows, and those of the factors of all or some of its columns."""
    lead = d.shape(0, 2)
    if d.flag():
        n = d.size("n", high=5)
        return (*lead, n, n), (*lead, n)
    rows, columns = d.size("m", 3, 5, symbolic=False), d.size("n", 0, 3, symbolic=False)
    return (*lead, rows, columns), (*lead, d.choose(columns, d.integer(0, d.sizes[columns])))


def householder_inputs(d: Draw) -> Mapping[str, Any]:
    """Reflectors below the diagonal and their factors."""
    dims, factors = reflectors(d)
    return {"input": d.tensor(dims, fill=matrix("triangular")), "tau": d.tensor(factors, fill=Fill(low=0, high=2))}


def ormqr_inputs(d: Draw) -> Mapping[str, Any]:
    """Reflectors and their factors, multiplied from either side with a matrix."""
    dims, factors = reflectors(d)
    left, other = d.choose(*FLAG), d.size("k", high=4)
    of = (dims[-2], other) if left is not False else (other, dims[-2])
    return {
        "self": d.tensor((*dims[:-1], factors[-1]), fill=matrix("triangular")),
        "input2": d.tensor(factors, fill=Fill(low=0, high=2, nonfinite=False)),
        "input3": d.tensor((*dims[:-2], *of), fill=FINITE),
        "left": left,
        "transpose": d.choose(*FLAG),
    }


def lapack(
    op: str, inputs: Inputs, dtypes: tuple[str, ...] = LAPACK, numeric: Numeric = FACTORED, **more: Any
) -> OpCase:
    """An op of structured matrices, which are filled in one way only; ops that take vectors too have more ways."""
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=dtypes, numeric=numeric, **{"values": ("mixed",), **more})


GENERAL, DEFINITE = "well_conditioned", "positive_definite"
TALL = of_matrix(GENERAL, square=False)
UPLO = {"UPLO": (OMIT, "U", "L")}
UPPER = {"upper": FLAG}
CHECKED = {"check_errors": FLAG}
LAYING = dict.fromkeys((1, 2), "that of the matrix or of its transpose, as it lies in memory")
VECTORS = ("mixed", "extreme")
NORMS = ("mixed", "extreme", "nonfinite")
NAN_IN_A_COLUMN = tensor([[NAN, 1.5], [-2.0, 0.5]], dims=("n", None))

EXCLUDED: Mapping[str, str] = {
    "aten._sparse_mm.reduce": SPARSE.format("takes a sparse matrix (eager has no kernel for dense ones)"),
    "aten.sparse_sampled_addmm.default": SPARSE.format("takes and returns a sparse matrix"),
    "aten.to_sparse.default": SPARSE.format("returns a sparse tensor"),
    "aten.to_sparse.sparse_dim": SPARSE.format("returns a sparse tensor"),
}

CASES = (
    # products
    OpCase(op="aten.linalg_cross.default", inputs=cross_inputs(optional=False), dtypes=NUMBER, numeric=CROSSED),
    OpCase(op="aten.cross.default", inputs=cross_inputs(optional=True), dtypes=NUMBER, numeric=CROSSED),
    OpCase(
        op="aten.kron.default",
        inputs=kron_inputs,
        dtypes=EVERY,
        numeric=Ulp(4),
        static_only=CONSTANT,
        untried=row_major("its kernel views the product, so that eager refuses some sizes of such a tensor"),
    ),
    OpCase(
        op="aten.linalg_multi_dot.default",
        inputs=chain_inputs,
        dtypes=NUMBER,
        numeric=Linear(("k", "l", "m")),
        static_only=CONSTANT,
    ),
    OpCase(op="aten.linalg_vander.default", inputs=vander_inputs, dtypes=(*LAPACK, *INT), numeric=Ulp(16)),
    lapack("linalg_matrix_power.default", power_inputs, NUMBER),
    lapack(
        "matrix_exp.default",
        exp_inputs,
        FLOAT + COMPLEX,
        values=VECTORS,
        untried={
            "self:expanded": "it views a batch of matrices as one, so that eager refuses most sizes of such a batch"
        },
    ),
    # norms and determinants
    lapack(
        "linalg_matrix_norm.default",
        norm_inputs(2, 1, float("inf"), -2, -1, float("-inf")),
        values=NORMS,
        examples=(example(self=NAN_IN_A_COLUMN, ord=1, dim=(-2, -1)),),
    ),
    lapack("linalg_matrix_norm.str_ord", norm_inputs("fro", "nuc", OMIT), FLOAT + COMPLEX, values=NORMS),
    lapack("linalg_norm.ord_str", named_norm_inputs, FLOAT + COMPLEX, values=NORMS),
    lapack("_linalg_det.default", of_matrix(GENERAL, name="A"), unjudged=LAYING),
    lapack("linalg_det.default", of_matrix(GENERAL, name="A")),
    lapack("linalg_slogdet.default", of_matrix(GENERAL, name="A")),
    lapack("logdet.default", of_matrix(DEFINITE, GENERAL)),
    # factorizations
    lapack("linalg_cholesky.default", of_matrix(DEFINITE, options=UPPER)),
    lapack("linalg_cholesky_ex.default", of_matrix(DEFINITE, options=UPPER | CHECKED)),
    lapack("cholesky.default", of_matrix(DEFINITE, options=UPPER)),
    lapack("linalg_lu.default", of_matrix(GENERAL, name="A", square=False), fixed=ONE_WAY),
    lapack("linalg_lu_factor.default", of_matrix(GENERAL, name="A", square=False), fixed=ONE_WAY),
    lapack("linalg_lu_factor_ex.default", of_matrix(GENERAL, name="A", square=False, options=CHECKED), fixed=ONE_WAY),
    lapack("_lu_with_info.default", of_matrix(GENERAL, square=False, options=CHECKED), fixed=ONE_WAY),
    lapack(
        "linalg_ldl_factor.default",
        ldl_inputs(),
    ),
    lapack("linalg_ldl_factor_ex.default", ldl_inputs(**CHECKED)),
    lapack(
        "linalg_qr.default",
        of_matrix(GENERAL, name="A", square=False, options={"mode": (OMIT, "reduced", "complete", "r")}),
        canonical=canonical_qr,
    ),
    lapack("qr.default", of_matrix(GENERAL, square=False, options={"some": FLAG}), canonical=canonical_qr),
    lapack("geqrf.default", TALL, static_only="export has no shape function for it: no size can be symbolic"),
    lapack("linalg_householder_product.default", householder_inputs, values=VECTORS),
    lapack("ormqr.default", ormqr_inputs, values=VECTORS),
    # eigenvalues and singular values
    lapack("linalg_eig.default", of_matrix("diagonalizable"), canonical=canonical_eig),
    lapack("linalg_eigvals.default", of_matrix("diagonalizable"), canonical=canonical_eig),
    lapack("linalg_eigh.default", of_matrix("hermitian", options=UPLO), canonical=canonical_eigh),
    lapack("linalg_eigvalsh.default", of_matrix("hermitian", options=UPLO)),
    lapack(
        "linalg_svd.default",
        of_matrix(GENERAL, name="A", square=False, options={"full_matrices": FLAG}),
        canonical=canonical_linalg_svd,
        fixed=ONE_DRIVER,
    ),
    lapack("linalg_svdvals.default", of_matrix(GENERAL, name="A", square=False), fixed=ONE_DRIVER),
    lapack(
        "svd.default",
        svd_inputs,
        canonical=canonical_svd,
    ),
)
