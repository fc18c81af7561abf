"""A look at the selection split, blind to the evaluation split: study, record, page."""
