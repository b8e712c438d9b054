{{/* Where a tier finds its secrets and TLS files. */}}
{{- define "eventide.secretsPath" -}}/run/secrets/eventide{{- end }}

{{/*
A tier's environment, as a list: what follows from the values, then `settings` for all tiers, then the tier's own.
Takes root and tier.
*/}}
{{- define "eventide.environment" -}}
{{- $found := dict -}}
{{- range $use := include "eventide.usesOf" . | fromYamlArray -}}
{{- $found = merge $found (include (printf "eventide.settings.%s" $use) $.root | fromYaml) -}}
{{- end -}}
{{- $found = merge $found (include "eventide.settings.files" . | fromYaml) -}}
{{- if ne .tier "migrate" -}}
{{- $found = merge $found (include "eventide.settings.tier" . | fromYaml) -}}
{{- end -}}
{{- $found = mergeOverwrite $found (deepCopy .root.Values.settings) ((get .root.Values .tier).settings | default dict) -}}
{{- range $name, $value := $found }}
- name: {{ $name }}
  value: {{ include "eventide.text" $value | quote }}
{{- end }}
{{- end }}

{{/* A value as text: Helm has all numbers as floats, and writes large ones as 1e+08. */}}
{{- define "eventide.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end }}

{{- define "eventide.settings.clients" -}}
{{- $proxies := .Values.trustedProxies -}}
{{- if ne .Values.mode "embedded" -}}
{{- $proxies = prepend $proxies (printf "%s-nginx-pods" (include "eventide.fullname" .)) -}}
{{- end -}}
{{- $hosts := concat (list .Values.ingress.host .Values.ingress.filesHost) .Values.allowedHosts -}}
EVENTIDE_TRUSTED_PROXIES: {{ $proxies | join "," | quote }}
EVENTIDE_ALLOWED_HOSTS: {{ $hosts | compact | uniq | join "," | quote }}
EVENTIDE_ALLOWED_ORIGINS: {{ .Values.allowedOrigins | join "," | quote }}
EVENTIDE_WEB_LOGIN: {{ .Values.webLogin | quote }}
EVENTIDE_DRAIN_SECONDS: {{ .Values.drainSeconds | quote }}
{{- end }}

{{- define "eventide.settings.kafka" -}}
{{- $sasl := .Values.kafka.sasl -}}
EVENTIDE_KAFKA_BOOTSTRAP: {{ .Values.kafka.bootstrap | quote }}
EVENTIDE_KAFKA_TOPIC: {{ .Values.kafka.topic | quote }}
EVENTIDE_KAFKA_SECURITY_PROTOCOL: {{ printf "%s%s" ($sasl.mechanism | empty | ternary "" "SASL_") (.Values.kafka.tls.enabled | ternary "SSL" "PLAINTEXT") }}
{{- with $sasl.mechanism }}
EVENTIDE_KAFKA_SASL_MECHANISM: {{ . }}
{{- end }}
{{- with $sasl.username }}
EVENTIDE_KAFKA_SASL_USERNAME: {{ . | quote }}
{{- end }}
{{- with $sasl.oauthUrl }}
EVENTIDE_KAFKA_OAUTH_URL: {{ . | quote }}
{{- end }}
{{- with $sasl.oauthScope }}
EVENTIDE_KAFKA_OAUTH_SCOPE: {{ . | quote }}
{{- end }}
{{- if $sasl.serviceAccountToken.audience }}
EVENTIDE_KAFKA_OAUTH_TOKEN_PATH: {{ include "eventide.secretsPath" . }}/kafka-token
{{- end }}
{{- end }}

{{- define "eventide.settings.group" -}}
EVENTIDE_KAFKA_GROUP: {{ .Values.kafka.group | quote }}
{{- end }}

{{- define "eventide.settings.topics" -}}
EVENTIDE_KAFKA_GROUP: {{ .Values.kafka.group | quote }}
EVENTIDE_KAFKA_PARTITIONS: {{ .Values.kafka.partitions | quote }}
EVENTIDE_KAFKA_REPLICATION: {{ .Values.kafka.replication | quote }}
{{- end }}

{{- define "eventide.settings.clickhouse" -}}{{- end }}

{{- define "eventide.settings.registry" -}}{{- end }}

{{- define "eventide.settings.firstUser" -}}
{{- if or .Values.firstUser.accessKey (ne .Values.mode "embedded") -}}
EVENTIDE_ACCESS_KEY: {{ .Values.firstUser.accessKey | default "EVENTIDE" | quote }}
{{- end }}
EVENTIDE_COMPANY: {{ .Values.firstUser.company | quote }}
EVENTIDE_WEB_ACCESS_KEY: {{ .Values.firstUser.webAccessKey | quote }}
{{- end }}

{{- define "eventide.settings.oidc" -}}
{{- with .Values.oidc }}
{{- if .issuer -}}
EVENTIDE_OIDC_ISSUER: {{ .issuer | quote }}
EVENTIDE_OIDC_CLIENT_ID: {{ .clientId | quote }}
EVENTIDE_OIDC_GROUP_MAP: {{ .groupMap | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "eventide.settings.objects" -}}
{{- if or .Values.objects.store (ne .Values.mode "embedded") -}}
EVENTIDE_FILES_STORE: {{ .Values.objects.store | default "/var/lib/eventide/files" | quote }}
{{- end }}
{{- with .Values.objects.endpoint }}
EVENTIDE_FILES_ENDPOINT: {{ . | quote }}
{{- end }}
{{- with .Values.objects.region }}
EVENTIDE_FILES_REGION: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "eventide.settings.traces" -}}
EVENTIDE_TRACE_ENDPOINT: {{ .Values.traces.endpoint | quote }}
EVENTIDE_TRACE_RATIO: {{ .Values.traces.ratio | quote }}
{{- end }}

{{/* The settings that name files: of secrets, and of TLS. Takes root and tier. */}}
{{- define "eventide.settings.files" -}}
{{- $names := dict "objects" "FILES" -}}
{{- range $setting, $_ := include "eventide.secretsOf" . | fromYaml }}
{{ $setting }}_FILE: {{ include "eventide.secretsPath" $.root }}/{{ $setting }}
{{- end }}
{{- range include "eventide.tlsFiles" . | fromYamlArray }}
EVENTIDE_{{ get $names .use | default (upper .use) }}_{{ upper .part }}: {{ include "eventide.secretsPath" $.root }}/{{ .path }}
{{- end }}
{{- end }}

{{/* What one tier alone has: a worker the lasting name of its pod, which keeps its partitions. Takes root and tier. */}}
{{- define "eventide.settings.tier" -}}
{{- if eq .tier "worker" -}}
EVENTIDE_WORKER_ID: hostname
{{- else if eq .tier "embedded" -}}
EVENTIDE_DATA_DIR: /var/lib/eventide/data/store
{{- end -}}
{{- end }}
