"""Who gets which rows of the next step, and what each text still lacks."""
