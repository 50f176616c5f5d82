"""Datasets: the forms they arrive in, and when two contents are the same. No Flask, no database."""
