"""The copying forms of views, which take the same arguments as the views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import Draw, OpCase
from harness.cases.sample import SizeOf
from harness.cases.strategies import unary_inputs

from .conversion import SAME_BITS, bits_inputs
from .shaping import (
    expand_inputs,
    permute_inputs,
    plain_expand_inputs,
    plain_squeeze_inputs,
    rank_inputs,
    squeeze_inputs,
    two_axes_inputs,
    unsqueeze_inputs,
    view_inputs,
)
from .slicing import (
    BY_STRIDES,
    as_strided_inputs,
    diagonal_inputs,
    moves,
    narrow_inputs,
    plain_slice_inputs,
    select_inputs,
    slice_inputs,
    split_inputs,
    unbind_inputs,
    unfold_inputs,
)


def reshape_alias_inputs(d: Draw) -> Mapping[str, Any]:
    """A reshaping, with the strides of its result, which the op does not compute itself."""
    n = d.size("n")
    rows = SizeOf(n)
    dims, size, stride = d.choose(
        ((n, 6), (rows, 2, 3), (6, 3, 1)),
        ((n, 2, 3), (rows, 6), (6, 1)),
        ((n, 4, 6), (rows, 8, 3), (24, 3, 1)),
        ((6, n), (1, 6, rows), (6, rows, 1)),
        ((n,), (1, rows, 1), (1, 1, 1)),
        ((n, 6), (rows, 6), (6, 1)),
    )
    return {"self": d.tensor(dims), "size": size, "stride": stride}


CASES = (
    moves("aten.alias_copy.default", unary_inputs()),
    moves("aten.detach_copy.default", unary_inputs()),
    moves("aten.view_copy.default", view_inputs("size")),
    OpCase(op="aten.view_copy.dtype", inputs=bits_inputs, dtypes=tuple(SAME_BITS)),
    moves("aten._reshape_alias.default", reshape_alias_inputs, untried=BY_STRIDES),
    moves("aten._reshape_alias_copy.default", reshape_alias_inputs, untried=BY_STRIDES),
    moves("aten.expand_copy.default", expand_inputs, plain=plain_expand_inputs),
    moves("aten.permute_copy.default", permute_inputs),
    moves("aten.transpose_copy.int", two_axes_inputs("dim0", "dim1")),
    moves("aten.t_copy.default", rank_inputs(0, 2)),
    moves("aten.squeeze_copy.default", squeeze_inputs("all"), plain=plain_squeeze_inputs()),
    moves("aten.squeeze_copy.dim", squeeze_inputs("dim"), plain=plain_squeeze_inputs(dim=2)),
    moves("aten.unsqueeze_copy.default", unsqueeze_inputs),
    moves("aten.slice_copy.Tensor", slice_inputs, plain=plain_slice_inputs),
    moves("aten.select_copy.int", select_inputs),
    moves("aten.narrow_copy.default", narrow_inputs),
    moves("aten.as_strided_copy.default", as_strided_inputs, untried=BY_STRIDES),
    moves("aten.diagonal_copy.default", diagonal_inputs),
    moves("aten.unfold_copy.default", unfold_inputs),
    moves("aten.split_copy.Tensor", split_inputs("split_size", 2, 1, 3, 6, 9, size=6)),
    moves("aten.split_with_sizes_copy.default", split_inputs("split_sizes", (2, 4), (1, 0, 5), (6,), size=6)),
    moves("aten.unbind_copy.int", unbind_inputs),
)
