"""SQL of a search for a text in log lines, in any case."""

from __future__ import annotations

import re

from schema.events.rows import Row

SEARCHED = "positionCaseInsensitiveUTF8(msg, {search:String}) > 0"
INDEXED = "lower(ifNull(msg, '')) LIKE {indexed:String}"  # of migration 0007: of_text
SHORTEST = 4  # characters of a sequence in the index

# Characters whose lower case is the same in line and text: `lower` changes ASCII only. A k does not find the Kelvin
# sign, the only other form of a letter, which ClickHouse itself treats as equal in some functions only.
PLAIN = re.compile(r"[ -~]+")
SPECIAL = re.compile(r"[%_\\]")  # in a pattern


def indexed_sql(text: str) -> tuple[str, Row]:
    """Return a condition that every line with the text meets, and its parameters.

    It uses the index of character sequences, which says where it may be met.
    """
    plain = max(PLAIN.findall(text), key=len, default="")
    if len(plain) < SHORTEST:
        return "1", {}
    pattern = SPECIAL.sub(r"\\\g<0>", plain.lower())
    return INDEXED, {"indexed": f"%{pattern}%"}
