"""A registration in the form that registries ask for."""
