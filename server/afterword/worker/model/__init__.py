"""Running the model: transformers, attention over slots, CUDA graphs, weights of 8 bits."""
