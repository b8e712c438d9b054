# Stands in for prom/prometheus and prom/alertmanager: Debian's, whose program ENTRYPOINT runs.
FROM python:3.13-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends prometheus prometheus-alertmanager wget \
    && rm -rf /var/lib/apt/lists/* && mkdir -p /prometheus /alertmanager
ARG PROGRAM
ENV PROGRAM=${PROGRAM}
ENTRYPOINT ["sh", "-c", "exec \"$PROGRAM\" \"$@\"", "--"]
