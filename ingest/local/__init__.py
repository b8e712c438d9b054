"""The log of ``eventide up``: a journal on the disk, and who brings it into the store."""
