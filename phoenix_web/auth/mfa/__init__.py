"""Two-step sign-in: codes of an authenticator app, or recovery codes."""
