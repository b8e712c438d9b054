# What Kafka, PostgreSQL and nginx need, from Debian's packages, at once: each apt-get update takes seconds.
FROM python:3.13-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends openjdk-21-jre-headless postgresql-17 nginx-light \
    && rm -rf /var/lib/apt/lists/*
