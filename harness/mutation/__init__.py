"""Mutation testing of the census: how many wrong lowerings do the samples of a cell catch.

This package chooses the cells, runs their mutants and classifies each as killed, equivalent or survived. The edits that
make a mutant belong to the backends (`backends.mutants`) and are passed in as a `Toolbox`; counting and printing the
records belongs to `reports`. Start reading at `sensitivity`.
"""
