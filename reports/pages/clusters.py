"""The clusters as text: the verdict of each backend, then two lines a cluster; or one of them in full."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.records.cause import Cut
from harness.text import clip, one_line, plural, share
from reports.answers.clusters import Cluster, Clusters, Counted
from reports.answers.titles import short
from reports.fold.reason import headline
from reports.fold.severity import only

WORDS: Mapping[str, str] = {
    "Wrong": "silently wrong",
    "Crashed": "crash",
    "Invalid": "invalid",
    "TimedOut": "without an end",
    "InvalidRight": "invalid yet right",
    "Unsupported": "refused",
}
"""What the verdict calls the clusters of an outcome."""
_IR = 6000
"""The most characters of IR that the text shows."""


def verdict(of: Counted) -> str:
    """The first line: how many causes the failing cells come to, by outcome."""
    if not of.causes:
        return f"{of.backend}: nothing fails"
    said = ", ".join(f"{of.causes[name]:,} {words}" for name, words in WORDS.items() if of.causes[name])
    return f"{of.backend}: {plural(of.causes.total(), 'cause')} of {plural(of.cells, 'failing cell')}; {said}"


def as_text(found: Sequence[Clusters], limit: int | None, notes: Mapping[str, Sequence[str]]) -> str:
    """Write the clusters of backends, at most `limit` of each; `notes` are further lines by the id of a cluster."""
    return "\n\n".join(_backend(of, limit, notes) for of in found)


def _backend(of: Clusters, limit: int | None, notes: Mapping[str, Sequence[str]]) -> str:
    shown = of.clusters[:limit]
    lines = [verdict(of.counted)]
    if of.clusters:
        lines += [_certainty(of.clusters), ""]
    for cluster in shown:
        lines += [_head(cluster), f"    {_facts(cluster)}", *(f"    {note}" for note in notes.get(cluster.id, ()))]
    if more := len(of.clusters) - len(shown):
        lines += ["", f"... and {more:,} more: opcov clusters --backend {of.backend} --limit 0"]
    return "\n".join(lines)


def _certainty(found: Iterable[Cluster]) -> str:
    """In how many cells the culprit is verified, named by a diagnostic alone, or not known."""
    counts: Counter[str] = Counter()
    for cluster in found:
        counts["verified"] += cluster.verified
        counts["other" if cluster.key.culprits else "unknown"] += len(cluster.cells) - cluster.verified
    said = f"ways to fail, by cell: culprit verified in {counts['verified']:,}, not verified in {counts['other']:,}"
    hint = "; `opcov causes` cuts programs" if counts["other"] or counts["unknown"] else ""
    return f"{said}, not known in {counts['unknown']:,}{hint}"


def _head(cluster: Cluster) -> str:
    return f"{cluster.id} {cluster.status.symbol}{cluster.severity.symbol} {clip(cluster.says, 200)}"


def _facts(cluster: Cluster) -> str:
    """How much it holds back, whether the culprit is verified, and a command."""
    parts = [plural(len(cluster.ops), "op"), plural(len(cluster.cells), "cell")]
    parts += [f"{plural(cluster.samples, 'sample')} ({percent(cluster.share)})"]
    parts += [plural(len(cluster.plain), "plain call")] if cluster.plain else []
    parts += [verified(cluster)] if cluster.key.culprits else []
    return f"{', '.join(parts)}   {cluster.repro or cluster.explain}"


def percent(of: float) -> str:
    """A share as a percentage."""
    return share(round(of * 1_000_000), 1_000_000)


def verified(cluster: Cluster) -> str:
    """Whether the culprit is verified, in words."""
    if cluster.verified in (0, len(cluster.cells)):
        return "culprit verified" if cluster.verified else "culprit not verified"
    return f"culprit verified in {cluster.verified} of {len(cluster.cells)}"


def in_full(cluster: Cluster, cut: Cut | None, notes: Sequence[str], width: int = 120) -> str:
    """Write all that is known of one cluster; `cut` is its culprit alone."""
    example = cluster.example
    lines = [cluster.title, f"{cluster.id}   {_facts(cluster)}", *notes, ""]
    lines += [f"worst: fails {only(cluster.severity)}; outcome {cluster.key.outcome} at {example.stage}"]
    lines += [f"mended: {cluster.count('unlocked')} cells pass, {_needs(cluster)}", _untried(cluster), ""]
    lines += textwrap.wrap(f"ops: {', '.join(cluster.ops)}", width, subsequent_indent="  ", break_on_hyphens=False)
    lines += ["", "the smallest sample:"]
    lines += [f"  {line}" for line in textwrap.wrap(example.call, width - 2, break_on_hyphens=False)]
    lines += [f"  {one_line(example.headline)}", *(f"  {command}" for command in _commands(cluster))]
    lines += ["", "all that it holds back, once it is mended:"]
    lines += [f"  pytest -n auto op_suites --replay JOURNAL --where cause:{cluster.id} --torch-mlir SPEC"]
    if cut:
        lines += ["", f"the culprit alone: {headline(cut.outcome)}", textwrap.indent(clip(cut.ir, _IR), "  ")]
    return "\n".join(line for line in lines if line is not None)


def _needs(cluster: Cluster) -> str:
    stops = plural(cluster.count("stops"), "cell")
    needs = ", ".join(f"{short(name)} ({count})" for name, count in list(cluster.needs.items())[:6])
    return f"{stops} stop at something else" + (f": {needs}" if needs else "")


def _untried(cluster: Cluster) -> str:
    why = "; ".join(f"{why} ({count})" for why, count in cluster.untried.items())
    return f"not tried: {plural(cluster.count('not tried'), 'cell')}" + (f": {why}" if why else "")


def _commands(cluster: Cluster) -> list[str]:
    return [command for command in (cluster.repro, cluster.explain, f"opcov issue {cluster.id}") if command]


def as_json(found: Sequence[Clusters]) -> dict[str, Any]:
    """The clusters as JSON values, all of them."""
    return {
        "backends": [
            {
                "backend": of.backend,
                "verdict": verdict(of.counted),
                "cells": of.cells,
                "samples": of.samples,
                "clusters": [cluster.json() for cluster in of.clusters],
            }
            for of in found
        ]
    }
