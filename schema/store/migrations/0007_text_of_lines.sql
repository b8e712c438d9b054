-- Which four characters follow each other somewhere in 1024 lines, in any case: a search reads only those that may hold its
-- text (query/logs/text_search.py), mostly a small part of the log unless the text is common. For a line of 140 characters that is
-- 3 µs of CPU, of 7 in all, and up to 4 bytes on disk, of 26; one hash function, as two take longer to insert.
ALTER TABLE logs ADD INDEX IF NOT EXISTS of_text lower(ifNull(msg, '')) TYPE ngrambf_v1(4, 4096, 1, 0) GRANULARITY 1;
