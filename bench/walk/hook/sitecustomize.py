"""Python imports this by itself at start-up where its folder is on the path: records the walk, if that is asked for."""

import os
from pathlib import Path

if folder := os.environ.get("AFTERWORD_BENCH_WALK"):
    from bench.walk.recorder import begin

    begin(Path(folder))
