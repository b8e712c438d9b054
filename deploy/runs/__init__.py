"""Reading runs for scripts and agents: tables, digests of curves, comparisons, following, and the MCP server."""
