"""The audit log in the database: tables, appending, reading and retention."""
