"""Datasets in the store: their tables, and one store for each thing that is done with them."""
