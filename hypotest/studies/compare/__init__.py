"""Several runs and what papers claim: study, record, page."""
