"""harness/mutation."""
