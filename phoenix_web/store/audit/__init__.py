"""The audit log in the store: written at the end of a unit of work, read by keyset."""
