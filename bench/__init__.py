"""Measures how soon, how steadily and at what cost ghost text comes. Run as `python -m bench`; see `--help`.

One file for each measurement (`model`, `keystrokes`, `cold_paths`, `first_token`, `cancellation`, `steady`, `idle`,
`stages`) and a folder for the largest (`replay`). `compare/` measures two checkouts in turn, `walk/` counts what a
keystroke passes through. `goals` sets the figures against what is wanted, `headline` picks those that the README shows;
the others are what they share. The texts typed are those in `texts/`, written for this purpose.
"""

from afterword.spinning import limit_spinning

limit_spinning()  # before a module here imports torch, so that its steps are timed as the worker's are
