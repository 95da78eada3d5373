"""The commands of `opcov`, one module each, and the two programs `bench` and `check`, which run by `python -m`.

Start at `cli`, which joins the commands. A command's module has a function `add_arguments(parser)`, and a function
`run(options)` that prints the answer and returns the exit status; importing it loads no torch. The answers themselves
are computed elsewhere: those from journals in `reports`, the rest in the packages below this one.
"""
