"""The API contract: paths, versions, envelopes, request models. No HTTP library."""
