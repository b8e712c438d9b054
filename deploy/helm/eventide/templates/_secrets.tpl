{{/* The secrets behind what a tier uses. Their names are those of settings: tokenSecret is EVENTIDE_TOKEN_SECRET. */}}
{{- define "eventide.secretsByUse" -}}
clients: [tokenSecret, tokenSecretPrevious]
kafka: [kafkaSaslPassword]
clickhouse: [clickhouseUrl]
registry: [registryUrl]
oidc: [oidcClientSecret]
objects: [filesAccessKey, filesSecretKey]
firstUser: [secretKey, webSecretKey]
{{- end }}

{{/* The setting that a secret is. Takes its name in camel case. */}}
{{- define "eventide.settingOf" -}}
EVENTIDE_{{ snakecase . | upper }}
{{- end }}

{{/*
A tier's secrets, by setting: {value} where the chart keeps it, {existingSecret, key} where it is somebody else's.
What is not set is left out; what must be there and is not, is made. Takes root and tier.
*/}}
{{- define "eventide.secretsOf" -}}
{{- $byUse := include "eventide.secretsByUse" .root | fromYaml -}}
{{- $own := (get .root.Values .tier).secrets | default dict -}}
{{- $found := dict -}}
{{- range $use := include "eventide.usesOf" . | fromYamlArray -}}
{{- range $name := get $byUse $use | default list -}}
{{- $secret := get $own $name | default (get $.root.Values.secrets $name) | default dict -}}
{{- if $secret.existingSecret -}}
{{- $_ := set $found (include "eventide.settingOf" $name) (dict "existingSecret" $secret.existingSecret "key" $secret.key) -}}
{{- else if $secret.value -}}
{{- $_ := set $found (include "eventide.settingOf" $name) (dict "value" $secret.value) -}}
{{- else if and (has $name (list "tokenSecret" "secretKey")) (ne $.tier "embedded") -}}
{{- $_ := set $found (include "eventide.settingOf" $name) (dict "value" (include "eventide.made" (dict "root" $.root "name" $name))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end }}

{{/*
A random secret, the same for all tiers of a release: what an earlier revision made, else a new one. Rendering without
a cluster makes another each time. Takes root and name.
*/}}
{{- define "eventide.made" -}}
{{- $memory := get .root.Values "madeSecrets" | default dict -}}
{{- if not (hasKey $memory .name) -}}
{{- $keeper := printf "%s-%s" (include "eventide.fullname" .root) (eq .name "secretKey" | ternary "migrate" "gateway") -}}
{{- $kept := (lookup "v1" "Secret" .root.Release.Namespace $keeper).data | default dict -}}
{{- $old := get $kept (include "eventide.settingOf" .name) | default "" | b64dec -}}
{{- $_ := set $memory .name ($old | default (randAlphaNum 48)) -}}
{{- $_ := set .root.Values "madeSecrets" $memory -}}
{{- end -}}
{{- get $memory .name -}}
{{- end }}

{{/* The secrets of a tier that the chart keeps, as data of a Secret; empty if there are none. Takes root and tier. */}}
{{- define "eventide.keptSecrets" -}}
{{- range $setting, $secret := include "eventide.secretsOf" . | fromYaml }}
{{- if $secret.value }}
{{ $setting }}: {{ $secret.value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The TLS files of a tier's connections: a list of {secretName, key, path}. Takes root and tier. */}}
{{- define "eventide.tlsFiles" -}}
{{- $connections := dict "kafka" .root.Values.kafka "clickhouse" .root.Values.clickhouse "registry" .root.Values.postgresql "objects" .root.Values.objects -}}
{{- range $use := include "eventide.usesOf" . | fromYamlArray -}}
{{- with (get $connections $use | default dict).tls }}
{{- $tls := . }}
{{- if $tls.secretName }}
{{- range $part := list "ca" "cert" "key" }}
{{- with get $tls (printf "%sKey" $part) }}
- {secretName: {{ $tls.secretName }}, key: {{ . }}, path: {{ $use }}-{{ $part }}.pem, part: {{ $part }}, use: {{ $use }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq .tier "embedded" }}
{{- with .root.Values.embedded.tls }}
{{- if .secretName }}
- {secretName: {{ .secretName }}, key: {{ .certKey }}, path: tls-cert.pem, part: cert, use: tls}
- {secretName: {{ .secretName }}, key: {{ .keyKey }}, path: tls-key.pem, part: key, use: tls}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The sources of the one volume that has all of a tier's secrets; empty if it has none. Takes root and tier. */}}
{{- define "eventide.secretSources" -}}
{{- if include "eventide.keptSecrets" . | trim }}
- secret:
    name: {{ include "eventide.tierName" . }}
{{- end }}
{{- range $setting, $secret := include "eventide.secretsOf" . | fromYaml }}
{{- if $secret.existingSecret }}
- secret:
    name: {{ $secret.existingSecret }}
    items: [{key: {{ $secret.key }}, path: {{ $setting }}}]
{{- end }}
{{- end }}
{{- range include "eventide.tlsFiles" . | fromYamlArray }}
- secret:
    name: {{ .secretName }}
    items: [{key: {{ .key }}, path: {{ .path }}}]
{{- end }}
{{- $token := .root.Values.kafka.sasl.serviceAccountToken }}
{{- if and $token.audience (has "kafka" (include "eventide.usesOf" . | fromYamlArray)) }}
- serviceAccountToken:
    audience: {{ $token.audience }}
    expirationSeconds: {{ $token.expirationSeconds }}
    path: kafka-token
{{- end }}
{{- end }}
