"""Mails that wait or have left, in the store, and who sends them."""
