"""What watches Eventide: rules for Prometheus, dashboards for Grafana, routes for Alertmanager."""
