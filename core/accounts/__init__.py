"""Programs that use the API: service accounts of channels and units, and their access tokens."""
