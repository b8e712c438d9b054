#!/bin/bash
# Serves, and makes CLICKHOUSE_DB. Users are not checked.
python /srv/clickhouse_http.py --host 0.0.0.0 --path /var/lib/clickhouse/chdb --port 8123 &
server=$!
trap 'kill -TERM $server' TERM
for _ in $(seq 150); do
    clickhouse-client --query "CREATE DATABASE IF NOT EXISTS $CLICKHOUSE_DB" && break
    sleep 0.2
done 2> /dev/null
wait $server
wait $server
