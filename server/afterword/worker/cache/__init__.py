"""Keys and values in memory, and which tokens they belong to."""
