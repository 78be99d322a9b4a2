{{/* The authority that the agents trust: their own setting, else that of the broker of this chart. */}}
{{- define "sidestep.caSecret" -}}
{{- default (ternary .Values.nats.tlsSecret "" .Values.nats.enabled) .Values.bus.caSecret -}}
{{- end -}}

{{/* Secrets of the bus, each at the place that sidestep.config names. */}}
{{- define "sidestep.busMounts" -}}
{{- with .Values.bus -}}
{{- if .nkeySecret }}
- name: bus-nkey
  mountPath: /etc/sidestep-bus/node.nk
  subPathExpr: $(NODE_NAME).nk
  readOnly: true
{{- end }}
{{- if .credentialsSecret }}
- name: bus-credentials
  mountPath: /etc/sidestep-bus/credentials
  readOnly: true
{{- end }}
{{- if include "sidestep.caSecret" $ }}
- name: bus-ca
  mountPath: /etc/sidestep-bus/ca
  readOnly: true
{{- end }}
{{- if .clientSecret }}
- name: bus-client
  mountPath: /etc/sidestep-bus/client
  readOnly: true
{{- end }}
{{- end -}}
{{- end -}}

{{- define "sidestep.busVolumes" -}}
{{- with .Values.bus -}}
{{- if .nkeySecret }}
- name: bus-nkey
  secret:
    secretName: {{ .nkeySecret }}
    defaultMode: 0400
{{- end }}
{{- if .credentialsSecret }}
- name: bus-credentials
  secret:
    secretName: {{ .credentialsSecret }}
    defaultMode: 0400
    items:
      - key: {{ .credentialsKey }}
        path: nats.creds
{{- end }}
{{- if include "sidestep.caSecret" $ }}
- name: bus-ca
  secret:
    secretName: {{ include "sidestep.caSecret" $ }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- if .clientSecret }}
- name: bus-client
  secret:
    secretName: {{ .clientSecret }}
    defaultMode: 0400
{{- end }}
{{- end -}}
{{- end -}}
