"""Other SDKs: what they read back, in their forms."""
