"""From logits to tokens: sampling, healing, and how a text grows."""
