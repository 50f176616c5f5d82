"""The profile page: name, password, sessions and two-step sign-in."""
