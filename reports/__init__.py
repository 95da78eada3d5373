"""Reports: read a journal, fold it into a coverage matrix, answer questions about it and show them.

`fold` makes the matrix of a journal, `answers` has one module per question, `pages` write whole reports. Nothing here
runs a sample or loads torch. Start at `fold/matrix.py`.
"""
