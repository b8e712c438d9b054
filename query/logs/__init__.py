"""Console logs: pages, snapshots, downloads and searches of a task's lines."""
