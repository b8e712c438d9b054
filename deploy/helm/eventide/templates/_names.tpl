{{/* The name that all objects of a release begin with: the release's, which has the chart's in it. */}}
{{- define "eventide.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The name of a tier's objects. Takes root and tier. */}}
{{- define "eventide.tierName" -}}
{{ include "eventide.fullname" .root }}-{{ .tier }}
{{- end }}

{{/* The labels by which a tier's pods are selected, which never change. Takes root and tier. */}}
{{- define "eventide.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .tier }}
{{- end }}

{{/* All labels of an object. Takes root and tier. */}}
{{- define "eventide.labels" -}}
{{ include "eventide.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Metadata of an object that is named after its tier. Takes root and tier. */}}
{{- define "eventide.metadata" -}}
name: {{ include "eventide.tierName" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "eventide.labels" . | nindent 2 }}
{{- end }}

{{/* A tier's image: the chart's, with what the tier has of its own. Tiers need no chDB, and their image has none. */}}
{{- define "eventide.image" -}}
{{- $own := (get .root.Values .tier).image | default dict -}}
{{- $image := mergeOverwrite (deepCopy .root.Values.image) $own -}}
{{- $tag := $image.tag | default (printf "%s%s" .root.Chart.AppVersion (eq .tier "embedded" | ternary "" "-tiers")) -}}
{{- include "eventide.reference" (merge (dict "tag" $tag) $image) -}}
{{- end }}

{{/* An image as containers name it: by its digest, if that is known. Takes repository, tag, digest. */}}
{{- define "eventide.reference" -}}
{{- .repository -}}{{- if .digest -}}@{{ .digest }}{{- else -}}:{{ .tag }}{{- end -}}
{{- end }}

{{/* The full name by which a tier's pods are found from any namespace: nginx asks with no search list. */}}
{{- define "eventide.host" -}}
{{ include "eventide.tierName" . }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{/* The service account of the tiers. Takes the root. */}}
{{- define "eventide.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "eventide.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}
