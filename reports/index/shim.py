from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import BadJournal
from harness.records.journal import SCHEMA, _header, read  # noqa


@dataclass
class Block:
    op: str
    family: str
    backend: str
    mode: str
    dtype: str
    lines: tuple[str, ...]
    seconds: float | None = None


class JournalReader:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open(encoding="utf-8")
            first = self._file.readline()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise BadJournal(f"cannot read journal {path}: {reason}", hint="`make matrix` writes one") from None
        try:
            header = json.loads(first) if first else {}
        except ValueError:
            raise BadJournal(f"{path}:1: not JSON", hint="run `make matrix` again") from None
        self.header: Mapping[str, Any] = _header(path, [(1, header)])
        self.footer: Mapping[str, Any] | None = None
        self.damage: tuple[str, ...] = ()

    def blocks(self) -> Iterator[Block]:
        key, lines, family = None, [], ""
        for number, text in enumerate(self._file, 2):
            text = text.rstrip("\n")
            try:
                line = json.loads(text)
            except ValueError:
                self.damage += (f"{self.path}:{number}: not JSON",)
                continue
            if line.get("kind") == "footer":
                self.footer = line
            if line.get("kind") != "outcome":
                continue
            this = (line["op"], line["backend"], line["mode"], line["dtype"])
            if key != this and key is not None:
                yield Block(key[0], family, *key[1:], tuple(lines))
                lines = []
            key, family = this, line["family"]
            lines.append(text)
        if key:
            yield Block(key[0], family, *key[1:], tuple(lines))
