"""Dataset labels, and which labels a dataset has."""
