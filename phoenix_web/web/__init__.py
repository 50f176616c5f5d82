"""The Flask layer that the API and the pages share."""
