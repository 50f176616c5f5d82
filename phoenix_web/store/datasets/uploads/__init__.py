"""Store for uploads, which change examples, revisions and split memberships."""
