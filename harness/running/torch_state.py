"""What torch keeps for a thread from one call to the next: a sample must leave it as it was.

In a run of some ten thousand transformed samples, torch came out of one of them changed, for a reason in torch that was
not found: from then on `torch.func` failed in that process for everything. A capture that fails may do the same.
"""

from __future__ import annotations

import torch
from torch._C import _functorch


class TorchState:
    """The state of this thread as it is when this is made."""

    def __init__(self) -> None:
        self._before = _state()

    def changed(self, *, transforms: bool = True) -> str:
        """Say what is no longer as it was; empty if all is.

        `transforms`: try `torch.func` too. That takes 1 to 2 ms, as long as many a sample.
        """
        now = _state()
        found = [f"{what} is {now[what]}, was {was}" for what, was in self._before.items() if now[what] != was]
        if not found and transforms and not _transforms():
            found = ["torch.func fails"]
        return "; ".join(found)


def _state() -> dict[str, str]:
    core: object = torch._C
    return {
        "the set of excluded dispatch keys": str(core._dispatch_tls_local_exclude_set()),  # type: ignore[attr-defined]
        "the set of included dispatch keys": str(core._dispatch_tls_local_include_set()),  # type: ignore[attr-defined]
        "the number of transforms": str(_functorch.get_dynamic_layer_stack_depth()),
        "grad mode": str(torch.is_grad_enabled()),
        "the number of dispatch modes": str(core._len_torch_dispatch_stack()),  # type: ignore[attr-defined]
    }


def _transforms() -> bool:
    """Whether derivatives in both modes come out right: they need all of what this thread keeps."""
    one = torch.ones(())
    try:
        (pulled,) = torch.func.vjp(torch.sin, one)[1](one)
        pushed = torch.func.jvp(torch.sin, (one,), (one,))[1]
    except Exception:  # torch raises whatever type
        return False
    return bool(pulled == torch.cos(one)) and bool(pushed == torch.cos(one))
