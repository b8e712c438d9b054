"""Deployments as people make them: values of several kinds, which all have to render and to be accepted."""

from __future__ import annotations

from tests.chart.render import Values

EMBEDDED: Values = {"mode": "embedded"}
EMBEDDED_TLS: Values = {
    "mode": "embedded",
    "embedded": {"tls": {"secretName": "eventide-tls"}},
    "serviceMonitor": {"enabled": True, "tlsConfig": {"insecureSkipVerify": True}},
}
SCALED: Values = {
    "keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus.monitoring.svc:9090"}},
    "serviceMonitor": {"enabled": True},
    "worker": {"autoscaling": {"maxReplicas": 8}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True},
}
# Everything encrypted and verified, with everybody's own Secrets.
SECURED: Values = {
    "kafka": {
        "bootstrap": "kafka.example.com:9096",
        "tls": {"enabled": True, "secretName": "kafka-tls", "certKey": "tls.crt", "keyKey": "tls.key"},
        "sasl": {"mechanism": "SCRAM-SHA-512", "username": "eventide"},
    },
    "clickhouse": {"tls": {"secretName": "clickhouse-tls", "certKey": "tls.crt", "keyKey": "tls.key"}},
    "postgresql": {"tls": {"secretName": "postgres-tls", "certKey": "tls.crt", "keyKey": "tls.key"}},
    "objects": {
        "store": "s3://bucket/prefix",
        "endpoint": "https://s3.example.com",
        "region": "eu-1",
        "tls": {"secretName": "s3-tls"},
    },
    "files": {"replicas": 2},
    "nginx": {"tls": {"secretName": "eventide-tls"}, "service": {"type": "LoadBalancer", "port": 443}},
    "oidc": {"issuer": "https://idp.example.com", "clientId": "eventide", "groupMap": "ml=acme:user"},
    "secrets": {
        name: {"value": "", "existingSecret": f"my-{name.lower()}", "key": "it"}
        for name in (
            "tokenSecret",
            "tokenSecretPrevious",
            "clickhouseUrl",
            "registryUrl",
            "kafkaSaslPassword",
            "filesAccessKey",
            "filesSecretKey",
            "oidcClientSecret",
            "secretKey",
            "webSecretKey",
        )
    },
}
TOKENS: Values = {
    "kafka": {
        "bootstrap": "kafka.example.com:9093",
        "tls": {"enabled": True},
        "sasl": {"mechanism": "OAUTHBEARER", "serviceAccountToken": {"audience": "kafka"}},
    }
}
TOKEN_ENDPOINT: Values = {
    "kafka": {
        "bootstrap": "kafka.example.com:9093",
        "tls": {"enabled": True, "secretName": "kafka-tls"},
        "sasl": {
            "mechanism": "OAUTHBEARER",
            "username": "eventide",
            "oauthUrl": "https://idp.example.com/token",
            "oauthScope": "kafka",
        },
    },
    "secrets": {"kafkaSaslPassword": {"value": "secret of the client"}},
    "networkPolicy": {"services": {"kafka": {"ports": [9093, 443]}}},
}
PUBLIC: Values = {
    "ingress": {
        "enabled": True,
        "className": "internal",
        "host": "eventide.example.com",
        "filesHost": "files.example.com",
        "tlsSecretName": "eventide-tls",
    },
    "trustedProxies": ["10.0.0.0/8"],
    "allowedHosts": ["other.example.com"],
    "allowedOrigins": ["https://web.example.com"],
}
OWN: Values = {
    "settings": {"EVENTIDE_MAX_INFLIGHT_BYTES": 134217728, "EVENTIDE_LOG_LEVEL": "debug"},
    "gateway": {"settings": {"EVENTIDE_LOG_LEVEL": "warning", "EVENTIDE_VALIDATE_PLOTS": True}, "replicas": 5},
    "worker": {
        "replicas": 12,
        "secrets": {"kafkaSaslPassword": {"existingSecret": "worker-kafka", "key": "password"}},
        "nodeSelector": {"pool": "workers"},
        "tolerations": [{"key": "workers", "operator": "Exists"}],
    },
    "priorityClassName": "high",
    "commonLabels": {"team": "ml"},
    "fullnameOverride": "events",
}
VALUE_SETS: dict[str, Values] = {
    "default": {},
    "embedded": EMBEDDED,
    "embedded with TLS": EMBEDDED_TLS,
    "scaled": SCALED,
    "secured": SECURED,
    "secured and scaled": {**SECURED, **SCALED},
    "tokens": {**TOKENS, **SCALED},
    "token endpoint": {**TOKEN_ENDPOINT, **SCALED},
    "public": PUBLIC,
    "own": OWN,
}
