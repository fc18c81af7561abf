"""Studies: what asks for many runs or none."""
