"""Pages: one document model, and one renderer for each format. Text is escaped here and nowhere else."""
