"""Tables and stores of datasets: examples, versions, splits, labels and uploads."""
