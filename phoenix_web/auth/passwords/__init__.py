"""Passwords: hashing, policy, one-time links and reauthentication."""
