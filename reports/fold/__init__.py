"""reports/fold."""
