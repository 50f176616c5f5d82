"""Mail: what is written, by which server it leaves, and when it is tried again. No Flask here."""
