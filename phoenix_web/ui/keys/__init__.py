"""The two pages of keys: one's own, and those of the system."""
