"""A finished run that ships with the package: a whole report in seconds, without a model."""
