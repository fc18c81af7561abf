"""From a text to positions: reading, counting, sampling, what is kept."""
