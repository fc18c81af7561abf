"""Records: the data that flows, and nothing else."""
