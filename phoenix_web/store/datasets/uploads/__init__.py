"""Uploads in the store: what each does to examples, their revisions and their splits."""
