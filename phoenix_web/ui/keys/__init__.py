"""The pages of user keys and of system keys."""
