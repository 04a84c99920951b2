"""Two checkouts of Afterword against each other, measured in turns in one run: `python -m bench compare --base PATH`.

`measurements` has what is measured, over the wire only, so that a checkout may be of any version with the same
protocol. `ratios` works out what comes of it. `__main__` is the command line and the order of things.
"""
