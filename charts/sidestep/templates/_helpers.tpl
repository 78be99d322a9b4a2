{{- define "sidestep.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sidestep.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "sidestep.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sidestep.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sidestep.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sidestep.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{/* Of the agent and what belongs to it. */}}
{{- define "sidestep.labels" -}}
{{ include "sidestep.selectorLabels" . }}
{{ include "sidestep.commonLabels" . }}
{{- end -}}

{{/* Of what must not be taken for an agent. */}}
{{- define "sidestep.testLabels" -}}
app.kubernetes.io/name: {{ include "sidestep.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{ include "sidestep.commonLabels" . }}
{{- end -}}

{{- define "sidestep.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: sidestep
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sidestep.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sidestep.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sidestep.image" -}}
{{- with .Values.image -}}
{{- $name := ternary .repository (printf "%s/%s" .registry .repository) (empty .registry) -}}
{{- if .digest -}}
{{- printf "%s@%s" $name .digest -}}
{{- else -}}
{{- /* A number is an int64 from --set and a float64 from a file, which would print as 2.0261126e+07. */ -}}
{{- $tag := ternary .tag (.tag | int64 | toString) (kindIs "string" .tag) -}}
{{- printf "%s:%s" $name (default $.Chart.AppVersion $tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The file of the agent: what the values say, and where the chart mounts what it needs. */}}
{{- define "sidestep.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $bus := deepCopy (default (dict) $config.bus) -}}
{{- if and .Values.nats.enabled (not $bus.servers) -}}{{- $_ := set $bus "servers" (list (printf "tls://%s:4222" (include "sidestep.nats.host" .))) -}}{{- end -}}
{{- with .Values.bus -}}
{{- if .nkeySecret -}}{{- $_ := set $bus "nkey" "/etc/sidestep-bus/node.nk" -}}{{- end -}}
{{- if .credentialsSecret -}}{{- $_ := set $bus "credentials" "/etc/sidestep-bus/credentials/nats.creds" -}}{{- end -}}
{{- if include "sidestep.caSecret" $ -}}{{- $_ := set $bus "ca" "/etc/sidestep-bus/ca/ca.crt" -}}{{- end -}}
{{- if .clientSecret -}}
{{- $_ := set $bus "certificate" "/etc/sidestep-bus/client/tls.crt" -}}
{{- $_ := set $bus "key" "/etc/sidestep-bus/client/tls.key" -}}
{{- end -}}
{{- end -}}
{{- if $bus -}}{{- $_ := set $config "bus" $bus -}}{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Whether the agents talk to the API server. */}}
{{- define "sidestep.asksKubernetes" -}}
{{- $kubernetes := default (dict) .Values.config.kubernetes -}}
{{- if $kubernetes.enabled -}}true{{- end -}}
{{- end -}}

{{/* What an agent cannot change while it runs: pods are replaced when this changes, and only then. */}}
{{- define "sidestep.restartChecksum" -}}
{{- $reloaded := .Files.Lines "files/reloaded-keys.txt" -}}
{{- include "sidestep.settings" (dict "node" (include "sidestep.config" . | fromYaml) "path" "" "without" $reloaded) | sha256sum -}}
{{- end -}}

{{/* One line for each setting that is not in the list `without`. */}}
{{- define "sidestep.settings" -}}
{{- if kindIs "map" .node -}}
{{- range $key, $value := .node -}}
{{- $path := ternary $key (printf "%s.%s" $.path $key) (empty $.path) -}}
{{- include "sidestep.settings" (dict "node" $value "path" $path "without" $.without) -}}
{{- end -}}
{{- else if not (has .path .without) -}}
{{- printf "%s=%s\n" .path (toJson .node) -}}
{{- end -}}
{{- end -}}

{{- define "sidestep.metricsPort" -}}
{{- .Values.config.metrics.port | int -}}
{{- end -}}

{{/* The address itself if the agent listens on loopback only, else nothing. */}}
{{- define "sidestep.onLoopback" -}}
{{- $host := dig "metrics" "host" "127.0.0.1" .Values.config -}}
{{- if or (hasPrefix "127." $host) (eq $host "::1") (eq $host "localhost") -}}{{- $host -}}{{- end -}}
{{- end -}}

{{- define "sidestep.probe" -}}
httpGet:
  path: {{ .path }}
  port: metrics
  {{- with include "sidestep.onLoopback" .root }}
  host: {{ . }}
  {{- end }}
{{ toYaml .probe }}
{{- end -}}

{{- define "sidestep.scrape" -}}
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Values that no schema can refuse, because they contradict each other. */}}
{{- define "sidestep.validate" -}}
{{- $metrics := default (dict) .Values.config.metrics -}}
{{- if not (default dict .Values.config.metrics).port -}}
{{- fail "config.metrics.port must not be 0 or empty: the probes and Prometheus need to know it." -}}
{{- end -}}
{{- if and (hasKey $metrics "enabled") (not $metrics.enabled) -}}
{{- fail "config.metrics.enabled must stay true: the probes ask /healthz and /readyz. networkPolicy.metricsFrom says who may scrape." -}}
{{- end -}}
{{- if and (include "sidestep.onLoopback" .) (not .Values.hostNetwork) -}}
{{- fail (printf "config.metrics.host: the kubelet does not reach %s of a pod; use 0.0.0.0, and networkPolicy.metricsFrom for who may scrape." $metrics.host) -}}
{{- end -}}
{{- if and .Values.prometheus.podMonitor.enabled .Values.prometheus.serviceMonitor.enabled -}}
{{- fail "prometheus.podMonitor and prometheus.serviceMonitor would both scrape every agent: enable one of them." -}}
{{- end -}}
{{- if and .Values.bus.nkeySecret .Values.bus.credentialsSecret -}}
{{- fail "bus.nkeySecret and bus.credentialsSecret are two ways to log in: set one of them." -}}
{{- end -}}
{{- if .Values.nats.enabled -}}
{{- range list "tlsSecret" "hosts" "adminKey" -}}
{{- if not (get $.Values.nats .) -}}
{{- fail (printf "nats.%s is needed with nats.enabled: the broker speaks TLS only, and knows every node by its key (docs/kubernetes.md)." .) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.bus.nkeySecret -}}
{{- fail "bus.nkeySecret is needed with nats.enabled: it holds the seed of each node of nats.hosts." -}}
{{- end -}}
{{- end -}}
{{- if not .Values.securityContext.privileged -}}
{{- $added := list -}}
{{- with .Values.securityContext.capabilities -}}{{- $added = default (list) .add -}}{{- end -}}
{{- range list "BPF" "PERFMON" "NET_ADMIN" -}}
{{- if not (has . $added) -}}
{{- fail (printf "securityContext.capabilities.add lacks %s, without which the agent does not start." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
