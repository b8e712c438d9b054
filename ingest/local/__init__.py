"""The log of ``eventide up``: a journal on the disk, and who brings it into the store."""

LOCAL_EPOCH = 2  # 1 was that of data directories without a journal
