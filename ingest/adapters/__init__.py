"""Other SDKs: what they log, mapped to the same batches, blocks and documents as the calls of ClearML's."""
