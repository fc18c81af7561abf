"""What work runs with: random streams, cores, memory, cache and progress, in one session."""
