"""What a worker looks for although its fork server has found it; a module of its own, since the worker imports it."""

from __future__ import annotations

from multiprocessing.connection import Connection

from harness.programs import plugins


def missed(reply: Connection) -> None:
    """Send how many lookups this process makes anew, of those that every worker needs to say what it has loaded."""
    kept = (plugins._entries_on, plugins._needed)
    before = sum(each.cache_info().misses for each in kept)
    tuple(plugins.packages(("linalg",), plugins.executor_names()))
    reply.send(sum(each.cache_info().misses for each in kept) - before)
