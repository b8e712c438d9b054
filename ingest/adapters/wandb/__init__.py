"""The calls of W&B, all of which the gateway answers: one address has those that read and those that change."""
