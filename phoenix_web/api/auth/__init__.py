"""`/auth`: signing in and out, refreshing tokens, and passwords."""
