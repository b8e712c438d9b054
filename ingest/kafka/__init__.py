"""Kafka: the log between gateways and workers. The only imports of aiokafka and Faust."""
