"""The same predictions under other choices: study, record, page."""
