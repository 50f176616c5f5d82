"""API keys and access tokens: generation, verification and first use."""
