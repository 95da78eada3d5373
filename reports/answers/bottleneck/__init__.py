"""How many ops the surface comes down to, and what is left to lower: `bottleneck.bottleneck` answers for each road.

`surface` joins journals, `reduction` counts ops, `alone` says which of them a backend lowers, `curve` orders them,
`cover` lists what is left to lower, also with a `choice` of levels, `futures` compares linalg with the cascades.
"""
