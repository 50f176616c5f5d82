"""Credentials: their text, how they are issued and how they are verified."""
