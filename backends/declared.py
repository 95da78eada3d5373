"""The ops that the torch dialect declares, by their PyTorch names."""

from __future__ import annotations

import re
from pathlib import Path


def declared() -> frozenset[str]:
    """Return overloads such as `aten.add.Tensor`, read from the dialect's generated bindings (TorchOps.td upstream)."""
    import torch_mlir

    folder = next(Path(entry) for entry in torch_mlir.__path__)
    text = (folder / "dialects" / "_torch_ops_gen.py").read_text(encoding="utf-8")
    names = re.findall(r'OPERATION_NAME = "torch\.((?:aten|prims)\.[^"]+)"', text)
    return frozenset(name if name.count(".") == 2 else f"{name}.default" for name in names)
