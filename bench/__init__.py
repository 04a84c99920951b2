"""Measures how soon, how steadily and at what cost ghost text comes. Run as `python -m bench`; see `--help`.

One file for each measurement (`soon`, `at_once`, `steady`, `idle`, `stages`); the others are what they share. The
texts typed are those in `prose/`, written for this purpose.
"""
