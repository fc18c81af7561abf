"""Writing down what will be done, before it is."""
