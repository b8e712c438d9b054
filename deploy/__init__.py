"""The only place that reads settings and wires the parts into processes."""
