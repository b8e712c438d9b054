#!/bin/bash
# Makes POSTGRES_DB, owned by POSTGRES_USER with POSTGRES_PASSWORD, at the first start.
set -e
data=/var/lib/postgresql/data/pg bin=/usr/lib/postgresql/17/bin
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
chown postgres /var/lib/postgresql/data
if [ ! -s $data/PG_VERSION ]; then
    as_postgres bash -c 'umask 077; echo "$POSTGRES_PASSWORD" > /tmp/password'
    as_postgres $bin/initdb -D $data -U "$POSTGRES_USER" -A scram-sha-256 --pwfile /tmp/password -E UTF8
    echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
    as_postgres $bin/pg_ctl -D $data -w -o '-c listen_addresses=127.0.0.1' start
    PGPASSWORD=$POSTGRES_PASSWORD $bin/createdb -h 127.0.0.1 -U "$POSTGRES_USER" "$POSTGRES_DB"
    as_postgres $bin/pg_ctl -D $data -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups $bin/postgres -D $data -c listen_addresses='*'
