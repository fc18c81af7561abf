"""From evidence to results: one prediction after the other, and what is said beside them."""
