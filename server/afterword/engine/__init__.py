"""The engine: a model in memory, slots of its key/value cache, and a step loop."""
