"""Password hashing, password policy, one-time links and reauthentication."""
