"""Loads the main job's pytest plugin, `harness.pytest_plugin`, for `pytest op_suites` and for opcov's own tests."""

pytest_plugins = (
    "harness.pytest_plugin.resume",
    "harness.pytest_plugin.options",
    "harness.pytest_plugin.items",
    "harness.pytest_plugin.budget",
    "harness.pytest_plugin.scheduling",
    "harness.pytest_plugin.recording",
    "harness.pytest_plugin.causes",
    "harness.pytest_plugin.watching",
    "harness.pytest_plugin.baseline",
)
