"""The upload of a dataset file, in two steps: file, then columns."""
