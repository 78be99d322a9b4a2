{{- define "sidestep.nats.name" -}}
{{- printf "%s-nats" (include "sidestep.fullname" .) -}}
{{- end -}}

{{- define "sidestep.nats.host" -}}
{{- printf "%s.%s.svc" (include "sidestep.nats.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "sidestep.nats.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sidestep.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: nats
{{- end -}}

{{- define "sidestep.nats.labels" -}}
{{ include "sidestep.nats.selectorLabels" . }}
{{ include "sidestep.commonLabels" . }}
{{- end -}}

{{- define "sidestep.nats.bucketLabels" -}}
app.kubernetes.io/name: {{ include "sidestep.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: nats-bucket
{{ include "sidestep.commonLabels" . }}
{{- end -}}

{{/* A name is a token of a key, as the agent makes it of the name of its node. */}}
{{- define "sidestep.nats.token" -}}
{{- . | replace "." "-" | trunc 63 -}}
{{- end -}}

{{- define "sidestep.nats.config" -}}
{{- $name := include "sidestep.nats.name" . -}}
{{- $cluster := dig "bus" "cluster" "default" .Values.config -}}
{{- $user := .Files.Get "files/nats-user.conf" -}}
server_name: $POD_NAME
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
lame_duck_duration: 30s
jetstream { store_dir: "/data" }
tls { cert_file: "/tls/tls.crt", key_file: "/tls/tls.key" }
{{- if gt (int .Values.nats.replicas) 1 }}
cluster {
  name: {{ $name }}
  listen: "0.0.0.0:6222"
  routes: [
    {{- range until (int .Values.nats.replicas) }}
    "nats://{{ $name }}-{{ . }}.{{ include "sidestep.nats.host" $ }}:6222"
    {{- end }}
  ]
  tls { cert_file: "/tls/tls.crt", key_file: "/tls/tls.key", ca_file: "/tls/ca.crt", verify: true }
}
{{- end }}
accounts {
  SIDESTEP: { jetstream: enabled, users: [
    { nkey: {{ .Values.nats.adminKey }} }
{{- range $node, $key := .Values.nats.hosts }}
{{ $user | replace "@CLUSTER@" $cluster | replace "@HOST@" (include "sidestep.nats.token" $node) | replace "@NKEY@" $key | trimSuffix "\n" }}
{{- end }}
  ] }
}
{{- end -}}
