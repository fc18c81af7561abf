"""Where a model of any family keeps its parts, recognised and proved."""
