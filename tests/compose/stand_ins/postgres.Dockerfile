# Stands in for postgres: Debian's, with the same environment variables.
FROM stand-in-services
COPY postgres.sh /run.sh
RUN chmod +x /run.sh && mkdir -p /var/lib/postgresql/data /run/postgresql \
    && chown -R postgres /var/lib/postgresql /run/postgresql && ln -s /usr/lib/postgresql/17/bin/* /usr/local/bin/ || true
CMD ["/run.sh"]
