"""Users and their credentials in the store."""
