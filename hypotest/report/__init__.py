"""Report: console, Markdown, figures, and the files that a run leaves behind."""
