"""Sign-in, sessions, throttling of failed attempts and known devices."""
