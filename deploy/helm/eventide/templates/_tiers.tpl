{{/*
The tiers that this release runs, in the order in which events pass them. YAML of a list; ask with `fromYamlArray`.
*/}}
{{- define "eventide.tiers" -}}
{{- if eq .Values.mode "embedded" -}}
[embedded]
{{- else -}}
[nginx, gateway, worker, query, files]
{{- end -}}
{{- end }}

{{/*
What each tier connects to or faces: of these follow its settings, secrets, TLS files and network policy. As in
docker-compose.yml each has the addresses and secrets that it needs, and no others.
*/}}
{{- define "eventide.uses" -}}
migrate: [kafka, topics, clickhouse, registry, firstUser]
gateway: [clients, kafka, registry, traces]
worker: [kafka, group, clickhouse, traces]
query: [clients, clickhouse, registry, oidc, traces]
files: [clients, registry, objects, traces]
embedded: [clients, oidc, objects, firstUser, traces]
nginx: []
{{- end }}

{{/* What a tier uses, as YAML of a list. Takes root and tier. */}}
{{- define "eventide.usesOf" -}}
{{- get (include "eventide.uses" .root | fromYaml) .tier | toYaml -}}
{{- end }}

{{/* The port of a tier's HTTP server. Takes the tier. */}}
{{- define "eventide.port" -}}
{{ eq . "files" | ternary 8081 8008 }}
{{- end }}

{{/* Seconds until a pod is killed: for load balancers to look elsewhere, for requests to end, and 8 to leave. */}}
{{- define "eventide.graceSeconds" -}}
{{- if eq .tier "worker" -}}
{{/* deploy/supervisor.py gives the process 25 s to end its batch and to commit. */ -}}
35
{{- else -}}
{{- add .root.Values.preStopSeconds (ceil .root.Values.drainSeconds) 8 -}}
{{- end -}}
{{- end }}

{{/* Whether KEDA sets the number of a tier's pods: then nothing else may. "true" or empty. */}}
{{- define "eventide.isScaled" -}}
{{- $scaling := (get .root.Values .tier).autoscaling | default dict -}}
{{- if and .root.Values.keda.enabled $scaling.enabled -}}true{{- end -}}
{{- end }}

{{/* How many pods KEDA runs at the most. A worker without a partition would never be ready. */}}
{{- define "eventide.maxReplicas" -}}
{{- $scaling := (get .root.Values .tier).autoscaling -}}
{{- if eq .tier "worker" -}}
{{- $scaling.maxReplicas | default .root.Values.kafka.partitions -}}
{{- else -}}
{{- $scaling.maxReplicas -}}
{{- end -}}
{{- end }}
