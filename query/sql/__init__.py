"""Parts of statements that families share: conditions, filters, reads of index and tombstones."""
