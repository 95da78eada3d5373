"""Whole reports, as they are written to a file or a terminal: text, Markdown, CSV, JSON, HTML and the summary of a run.

A page lays out what `fold` and `answers` compute, and computes nothing itself. Start at `formats.render`, which chooses
among the formats of the matrix; `html.render` and `summary.summary` stand beside it.
"""
