"""What can be measured: one file, one measure. A new file is a new measure."""
