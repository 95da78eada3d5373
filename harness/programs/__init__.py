"""harness/programs."""
