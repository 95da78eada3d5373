"""harness/cases."""
