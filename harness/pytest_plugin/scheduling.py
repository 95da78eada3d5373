"""How pytest-xdist deals out the items: what shares work stays on one worker."""

from __future__ import annotations

from typing import Any

import pytest

from .options import SUITES


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the items of one op on one worker, and the tests of a file that have one parameter."""
    from xdist.scheduler import LoadScopeScheduling

    class OpScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            name, bracket, parameter = nodeid.partition("[")
            if nodeid.startswith(SUITES.name):
                return name
            return f"{name.partition('::')[0]}[{parameter}" if bracket else nodeid

        def remove_node(self, node: Any) -> str | None:
            """Return the item that a worker died of, which is not run again; the rest of its work is."""
            units = self.assigned_work.pop(node)
            of = {item: unit for unit in units.values() for item, done in unit.items() if not done}
            died: str | None = next(iter(of), None)
            if died is not None:
                of[died][died] = True
                self.workqueue.update({scope: unit for scope, unit in units.items() if not all(unit.values())})
                for other in self.assigned_work:
                    self._reschedule(other)
            return died

        def _reschedule(self, node: Any) -> None:
            """Give a worker two items at least, or say that there are no more: until then it waits with its last."""
            super()._reschedule(node)
            while self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
                self._assign_work_unit(node)
            if not self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
                node.shutdown()

    return OpScheduling(config, log)
