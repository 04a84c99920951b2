"""The model in C++ for CPUs: compiled on the machine that runs it, and left out where there is no compiler.

`build` compiles the sources beside it once, `library` is their interface, `decoder` packs a model's weights for them,
`runner` runs the steps of a core with them, and `kernels` puts these together.
"""
