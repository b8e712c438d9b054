{{/* What is the same for the pods of all tiers, of nobody special. Takes root, tier, user. */}}
{{- define "eventide.podSpec" -}}
{{- $values := get .root.Values .tier | default dict -}}
serviceAccountName: {{ eq .tier "migrate" | ternary (include "eventide.migrateAccount" .root) (include "eventide.serviceAccount" .root) }}
automountServiceAccountToken: false
{{/* A service named eventide-files would set EVENTIDE_FILES_PORT to tcp://… */ -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with $values.priorityClassName | default .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector | default .root.Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $values.tolerations | default .root.Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with $values.affinity | default .root.Values.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- end }}

{{/* Spread of a tier's pods, over zones and nodes; one that cannot be had stops no pod. Takes root and tier. */}}
{{- define "eventide.spread" -}}
topologySpreadConstraints:
{{- with (get .root.Values .tier).topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
{{- else }}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "eventide.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}

{{/* No rights, and no file system to write to. */}}
{{- define "eventide.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* A pod template's metadata: what changes only in a Secret or ConfigMap starts pods anew. Takes root, tier, checksum. */}}
{{- define "eventide.podMetadata" -}}
labels:
  {{- include "eventide.labels" . | nindent 2 }}
  {{- with (get .root.Values .tier).podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/configuration: {{ .checksum | sha256sum }}
  {{- with (get .root.Values .tier).podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Three probes of a process: /healthz says "restart me", /readyz "send me nothing". Takes scheme. */}}
{{- define "eventide.probes" -}}
{{- $live := dict "path" "/healthz" "port" "http" "scheme" .scheme -}}
startupProbe:
  httpGet: {{ toJson $live }}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 90
livenessProbe:
  httpGet: {{ toJson $live }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {{ toJson (set (deepCopy $live) "path" "/readyz") }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{/* The container of one of Eventide's own processes. Takes root and tier. */}}
{{- define "eventide.container" -}}
{{- $values := get .root.Values .tier -}}
{{- $isService := and (ne .tier "worker") (ne .tier "migrate") -}}
- name: {{ .tier }}
  image: {{ include "eventide.image" . }}
  imagePullPolicy: {{ ($values.image | default dict).pullPolicy | default .root.Values.image.pullPolicy }}
  args: [{{ eq .tier "embedded" | ternary "up" .tier }}]
  env:
    {{- include "eventide.environment" . | trim | nindent 4 }}
    {{- with $values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if ne .tier "migrate" }}
  ports:
    - {name: http, containerPort: {{ include "eventide.port" .tier }}}
    {{- if eq .tier "embedded" }}
    - {name: files, containerPort: 8081}
    {{- end }}
  {{- $isTls := and (eq .tier "embedded") .root.Values.embedded.tls.secretName }}
  {{- include "eventide.probes" (dict "scheme" (empty $isTls | ternary "HTTP" "HTTPS")) | nindent 2 }}
  {{- end }}
  {{- if $isService }}
  lifecycle:
    preStop:
      sleep: {seconds: {{ .root.Values.preStopSeconds }}}
  {{- end }}
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  securityContext:
    {{- include "eventide.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: data, mountPath: /var/lib/eventide/data}
    {{- if and (eq .tier "files") (not .root.Values.objects.store) }}
    - {name: files, mountPath: /var/lib/eventide/files}
    {{- end }}
    {{- if include "eventide.secretSources" . | trim }}
    - {name: secrets, mountPath: {{ include "eventide.secretsPath" .root }}, readOnly: true}
    {{- end }}
{{- end }}

{{/* The volumes of that container, but for those that claims of its own provide. Takes root and tier. */}}
{{- define "eventide.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if ne .tier "embedded" }}
- name: data
  emptyDir: {}
{{- end }}
{{- with include "eventide.secretSources" . | trim }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- end }}

{{/* The pod template of one of Eventide's own tiers. Takes root and tier. */}}
{{- define "eventide.podTemplate" -}}
metadata:
  {{- include "eventide.podMetadata" (dict "root" .root "tier" .tier "checksum" (include "eventide.keptSecrets" .)) | nindent 2 }}
spec:
  {{- include "eventide.podSpec" (dict "root" .root "tier" .tier "user" 10001) | nindent 2 }}
  {{- include "eventide.spread" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ include "eventide.graceSeconds" . }}
  containers:
    {{- include "eventide.container" . | nindent 4 }}
  volumes:
    {{- include "eventide.volumes" . | nindent 4 }}
    {{- if and (eq .tier "files") (not .root.Values.objects.store) }}
    - name: files
      persistentVolumeClaim:
        claimName: {{ .root.Values.files.persistence.existingClaim | default (include "eventide.tierName" .) }}
    {{- end }}
{{- end }}
