"""harness/surface."""
