"""reports/answers."""
