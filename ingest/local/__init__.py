"""The log of ``eventide up``: a write-ahead log, and the applier that brings it into the store."""

LOCAL_EPOCH = 2  # 1 was that of data directories without a write-ahead log
