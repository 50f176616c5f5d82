"""Pages on which a password is chosen without the current one."""
