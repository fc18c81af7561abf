"""Opening reports: that of one run, or an index of many."""
