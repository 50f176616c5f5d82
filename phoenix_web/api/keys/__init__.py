"""API keys of users and system keys."""
