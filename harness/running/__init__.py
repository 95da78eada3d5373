"""harness/running."""
