from __future__ import annotations

import re

from reports.fold.matrix import Matrix
from reports.index.index import Index
from reports.pages.formats import render


def test_markdown_tables_are_whole(whole: tuple[Matrix, Index]) -> None:
    text = render(*whole, "markdown")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.count("|") for line in block.splitlines()[2:]}) == 1, block
    assert "## pooling" in text
    causes = text[text.index("## Causes") : text.index("## Legend")]
    assert re.search(r"^linalg: \d+ causes of \d+ failing cells", causes, re.M)
    assert re.search(r"^\| ✗. 'aten\.\w+.*\| `opcov repro \w+ --backend linalg` \|$", causes, re.M)
