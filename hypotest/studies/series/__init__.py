"""A protocol at every layer or checkpoint: study, record, page."""
