"""One file of a run, for somebody who has neither its cache nor its model."""
