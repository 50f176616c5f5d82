"""API keys of users and of the system."""
