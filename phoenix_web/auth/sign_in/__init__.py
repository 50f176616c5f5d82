"""Signing in: passwords, sessions, throttling and known devices."""
