# Stands in for clickhouse/clickhouse-server: the same engine, chDB, behind the tests' HTTP interface.
FROM eventide
USER root
COPY clickhouse_http.py clickhouse.sh /srv/
COPY clickhouse-client.py /usr/local/bin/clickhouse-client
RUN chmod +x /usr/local/bin/clickhouse-client /srv/clickhouse.sh && mkdir -p /var/lib/clickhouse
ENTRYPOINT []
CMD ["/srv/clickhouse.sh"]
