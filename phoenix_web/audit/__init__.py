"""The audit log's rules: what an event says, how events are chained, what proves them."""
