"""Credentials: how they look, how they are made and how they are checked. It knows no Flask."""
