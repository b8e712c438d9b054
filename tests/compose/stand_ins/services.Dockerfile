# What Kafka, PostgreSQL and nginx need (curl: its health check), from Debian, at once: each apt-get update takes seconds.
FROM python:3.13-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends curl openjdk-21-jre-headless postgresql-17 nginx-light \
    && rm -rf /var/lib/apt/lists/*
