"""harness/judging."""
