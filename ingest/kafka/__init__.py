"""Everything that speaks Kafka but the worker's Faust: the only imports of aiokafka."""
