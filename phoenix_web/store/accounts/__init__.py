"""Tables and queries of users, keys, sessions, second factors and password links."""
