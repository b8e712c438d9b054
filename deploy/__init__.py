"""The command line and the wiring: the only place that reads settings and puts processes together."""
