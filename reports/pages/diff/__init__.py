"""The answer of `opcov diff` as pages: text, Markdown for a comment on a pull request, JSON, a section of the report.

`words` has what they share. Start at `formats.render`.
"""
