"""The protocols of other SDKs: their addresses, error forms, names and documents, which both tiers share."""
