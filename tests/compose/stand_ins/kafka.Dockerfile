# Stands in for apache/kafka: the same broker, from Maven Central's jars, with the same environment variables.
FROM stand-in-services
COPY libs /opt/kafka/libs
COPY kafka.sh /opt/kafka/run.sh
COPY kafka-broker-api-versions.sh /opt/kafka/bin/kafka-broker-api-versions.sh
RUN chmod +x /opt/kafka/run.sh /opt/kafka/bin/*.sh && mkdir -p /var/lib/kafka/data
CMD ["/opt/kafka/run.sh"]
