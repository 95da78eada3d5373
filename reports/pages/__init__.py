"""reports/pages."""
