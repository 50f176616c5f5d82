"""Settings: what the environment says, checked as a whole at start."""
