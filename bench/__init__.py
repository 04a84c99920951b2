"""Measures how soon, how steadily and at what cost ghost text comes. Run as `python -m bench`; see `--help`.

One file for each measurement (`model`, `soon`, `at_once`, `steady`, `idle`, `stages`) and a folder for the largest
(`replay`); `goals` sets the figures against what is wanted, the others are what they share. The texts typed are those
in `texts/`, written for this purpose.
"""
