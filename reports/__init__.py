"""Reports: folds a journal into a matrix, and answers questions about it as text, JSON, Markdown, CSV and HTML."""
