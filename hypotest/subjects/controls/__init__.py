"""Networks whose organisation is known, trained by the project on data that it generates."""
