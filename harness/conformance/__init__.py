"""Does a plugin keep to its protocol? One function for each kind of plugin, which its author calls in a test.

`check_backend`, `check_executor` and `check_frontend` ask the plugin by hand (`conduct.py`, `frontend_conduct.py`), in
a process of its own. Then they run every miniature fault (`faults.py`) around the plugin (`faulty.py`) through the
harness: each must end as the outcome that the fault is (`expected.py`), and leave the plugin able to run the next
sample. Start reading at `check.py`.
"""

from .check import NotConforming, check_backend, check_executor, check_frontend

__all__ = ["NotConforming", "check_backend", "check_executor", "check_frontend"]
