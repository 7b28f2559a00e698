"""The JSON API under `/api/v1`: what programs of channels and units may ask and do."""
