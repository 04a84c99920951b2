"""The worker: a model in memory, slots of its key/value cache, and a step loop. The only package that imports torch."""

import os

# Between two matrix products the threads of torch wait for each other by spinning, by default so long that they starve
# one another wherever something else runs on the same cores: steps of a 135M model then took 4 to 10 times as long on
# 2 cores. This much spinning costs nothing measurable on quiet cores. It counts only if set before torch is imported,
# and is inherited by an engine in a process of its own.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
