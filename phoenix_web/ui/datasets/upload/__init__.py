"""Upload of a dataset file in two steps: the file, then its columns."""
