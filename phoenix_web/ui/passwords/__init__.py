"""Pages that set a password without the current one."""
