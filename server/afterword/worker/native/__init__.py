"""The model's arithmetic in C++, for processors: compiled where it runs, and left out where there is no compiler.

`build` compiles the sources beside it once, `library` is their interface, `decoder` packs a model's weights for them,
and `runner` runs the steps of a core with them.
"""
