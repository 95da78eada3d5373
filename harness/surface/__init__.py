"""What there is to cover: the sets of overloads that the registry is measured against, and what its cases draw of them.

Start at `denominators`; `overloads` finds the sets once and `cache` keeps them; `opinfo` and `opinfo_trace` bring the
samples of PyTorch's OpInfo, `attribute_coverage` looks at attribute values and dtypes, `tame` finds what eager takes
and no census holds, and `ops` makes the answers of `opcov ops` from all of these. Nothing here runs a backend.
"""
