"""The worker: a model in memory, slots of its key/value cache, and a step loop. The only package that imports torch.

`engine_core` is where to begin: one step is schedule, forward, commit, decode. `scheduler` decides what a step
computes, `speculation` adds draft tokens to it, `model` and `native` run it, `cache` holds its keys and values, and
`decoding` makes tokens of its logits. `__main__` is the process, `loading` what it does first.
"""

import os

# Between two matrix products the threads of torch wait for each other by spinning, by default so long that they starve
# one another wherever something else runs on the same cores: steps of a 135M model then took 4 to 10 times as long on
# 2 cores. This much spinning costs nothing measurable on quiet cores. It counts only if it is set before torch is
# imported; a worker process inherits it.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
