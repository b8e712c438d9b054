"""The changefeed: what the writer of `eventide up` tells the read caches of the same process."""
