"""Rules, dashboards and traces, on the programs that use them."""
