"""The worker: a model in memory, slots of its key/value cache, and a step loop. The only package that imports torch.

`engine_core` is where to begin: one step is schedule, forward, commit, decode. `scheduler` decides what a step
computes, `speculation` adds draft tokens to it, `model` and `native` run it, `cache` holds its keys and values, and
`decoding` makes tokens of its logits. `__main__` is the process, `loading` what it does first.
"""

from afterword.spinning import limit_spinning

limit_spinning()
