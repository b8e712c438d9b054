{{/* A trigger on a query of Prometheus. Takes root, name, query, threshold (of each pod). */}}
{{- define "eventide.prometheusTrigger" -}}
{{- $prometheus := .root.Values.keda.prometheus -}}
- type: prometheus
  name: {{ .name }}
  metricType: AverageValue
  metadata:
    serverAddress: {{ $prometheus.serverAddress }}
    query: {{ .query | quote }}
    threshold: {{ .threshold | quote }}
    ignoreNullValues: "false" # nothing known is no reason to take pods away
    {{- with $prometheus.metadata }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $prometheus.authenticationRef }}
  authenticationRef: {{ toJson . }}
  {{- end }}
{{- end }}

{{/* The labels by which Prometheus knows a tier: the ServiceMonitor's. Takes root and tier. */}}
{{- define "eventide.series" -}}
namespace="{{ .root.Release.Namespace }}",service="{{ include "eventide.tierName" . }}"
{{- end }}

{{/* Triggers of a tier. Takes root and tier. */}}
{{- define "eventide.triggers" -}}
{{- $scaling := (get .root.Values .tier).autoscaling -}}
{{- with $scaling.lagSeconds }}
{{- $series := include "eventide.series" (dict "root" $.root "tier" "gateway") }}
{{- $query := printf "max(eventide_unapplied_seconds{%s} >= 0)" $series }}
{{ include "eventide.prometheusTrigger" (dict "root" $.root "name" "lag-seconds" "query" $query "threshold" (include "eventide.text" .)) }}
{{- end }}
{{- with $scaling.inFlight }}
{{- $series := include "eventide.series" $ }}
{{- $query := printf "sum(eventide_calls_running{%s}) + sum(eventide_calls_waiting{%s})" $series $series }}
{{ include "eventide.prometheusTrigger" (dict "root" $.root "name" "in-flight" "query" $query "threshold" (include "eventide.text" .)) }}
{{- end }}
{{- if and $scaling.lagRecords (not .root.Values.kafka.sasl.serviceAccountToken.audience) }}
{{ include "eventide.kafkaTrigger" . }}
{{- end }}
{{- with $scaling.cpuPercent }}
- type: cpu
  metricType: Utilization
  metadata:
    value: {{ include "eventide.text" . | quote }}
{{- end }}
{{- end }}

{{/* A trigger on the records that the workers' group has not committed. Takes root and tier. */}}
{{- define "eventide.kafkaTrigger" -}}
{{- $kafka := .root.Values.kafka -}}
- type: kafka
  name: lag-records
  metricType: AverageValue
  metadata:
    bootstrapServers: {{ $kafka.bootstrap | quote }}
    consumerGroup: {{ $kafka.group | quote }}
    topic: {{ $kafka.topic | quote }}
    lagThreshold: {{ include "eventide.text" (get .root.Values .tier).autoscaling.lagRecords | quote }}
    offsetResetPolicy: earliest
    allowIdleConsumers: "false"
    sasl: {{ include "eventide.kedaSasl" .root | quote }}
    tls: {{ $kafka.tls.enabled | ternary "enable" "disable" }}
  {{- if include "eventide.kedaParameters" .root | trim }}
  authenticationRef: {name: {{ include "eventide.tierName" . }}-kafka}
  {{- end }}
{{- end }}

{{/* KEDA's name of a SASL mechanism. Takes the root. */}}
{{- define "eventide.kedaSasl" -}}
{{- $names := dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512" "OAUTHBEARER" "oauthbearer" -}}
{{- get $names .Values.kafka.sasl.mechanism | default "none" -}}
{{- end }}

{{/* What KEDA needs from Secrets to ask Kafka, as `secretTargetRef`; empty for a Kafka that asks for nothing. */}}
{{- define "eventide.kedaParameters" -}}
{{- $worker := dict "root" . "tier" "worker" -}}
{{- $password := get (include "eventide.secretsOf" $worker | fromYaml) "EVENTIDE_KAFKA_SASL_PASSWORD" | default dict }}
{{- if $password.existingSecret }}
- {parameter: password, name: {{ $password.existingSecret }}, key: {{ $password.key }}}
{{- else if $password.value }}
- {parameter: password, name: {{ include "eventide.tierName" $worker }}, key: EVENTIDE_KAFKA_SASL_PASSWORD}
{{- end }}
{{- range $parameter, $value := include "eventide.kedaPlain" . | fromYaml }}
- {parameter: {{ $parameter }}, name: {{ include "eventide.tierName" $worker }}-kafka, key: {{ $parameter }}}
{{- end }}
{{- range include "eventide.tlsFiles" $worker | fromYamlArray }}
{{- if eq .use "kafka" }}
- {parameter: {{ .part }}, name: {{ .secretName }}, key: {{ .key }}}
{{- end }}
{{- end }}
{{- end }}

{{/* What of it is no secret, and stands in a Secret only because KEDA reads it from one: by parameter. */}}
{{- define "eventide.kedaPlain" -}}
{{- with .Values.kafka.sasl }}
{{- if .mechanism }}
{{- with .username }}
username: {{ . | quote }}
{{- end }}
{{- with .oauthUrl }}
oauthTokenEndpointUri: {{ . | quote }}
{{- end }}
{{- with .oauthScope }}
scopes: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
