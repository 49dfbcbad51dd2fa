{{/* _helpers.tpl: names, labels, and what more than one template asks. */}}

{{- define "aigc.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "aigc.selector" -}}
app.kubernetes.io/name: aigc-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{/* Labels of every object; of a pod's template too, so no version stands there. */}}
{{- define "aigc.labels" -}}
app.kubernetes.io/name: aigc-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "aigc.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "aigc.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "aigc.name" .) -}}
{{- end -}}

{{/* The host of gateway.url, without a port. */}}
{{- define "aigc.host" -}}
{{- $url := urlParse (required "gateway.url: set the gateway's public URL, such as https://dashboard.example.com" .Values.gateway.url) -}}
{{- regexReplaceAll ":[0-9]+$" $url.host "" -}}
{{- end -}}

{{- define "aigc.domain" -}}
{{- required "gateway.domain: set the domain of the instances, such as example-usercontent.net" .Values.gateway.domain -}}
{{- end -}}

{{/* The port of gateway.url, with its colon; empty where it has none. */}}
{{- define "aigc.port" -}}
{{- regexFind ":[0-9]+$" .Values.gateway.url -}}
{{- end -}}

{{/* "logto" or "oidc". */}}
{{- define "aigc.provider" -}}
{{- if and .Values.logto.endpoint .Values.oidc.issuer -}}
{{- fail "logto.endpoint and oidc.issuer: only one of them can be set" -}}
{{- else if .Values.logto.endpoint -}}
logto
{{- else if .Values.oidc.issuer -}}
oidc
{{- else -}}
{{- fail "logto.endpoint or oidc.issuer: set one of them, for users have to sign in" -}}
{{- end -}}
{{- end -}}

{{- define "aigc.tlsSecret" -}}
{{- if .Values.tls.existingSecret -}}
{{- .Values.tls.existingSecret -}}
{{- else if .Values.tls.certManager.enabled -}}
{{- include "aigc.name" . }}-tls
{{- else -}}
{{- fail "tls.enabled: set tls.existingSecret, or tls.certManager.enabled" -}}
{{- end -}}
{{- end -}}

{{/*
The secrets that this configuration needs, as YAML: {name: {file, key, secret}}.
"secret" is the Secret that holds it, the chart's own where none exists.
*/}}
{{- define "aigc.secrets" -}}
{{- $files := dict "appSecret" "app_secret" "sessionKey" "session.key" -}}
{{- if eq (include "aigc.provider" .) "logto" -}}
{{- if .Values.logto.m2mAppId -}}{{- $_ := set $files "m2mAppSecret" "m2m_app_secret" -}}{{- end -}}
{{- if .Values.logto.webhook -}}{{- $_ := set $files "webhookKey" "webhook_key" -}}{{- end -}}
{{- end -}}
{{- $out := dict -}}
{{- range $name, $file := $files -}}
{{- $s := get $.Values.secrets $name -}}
{{- $existing := $s.existingSecret | default (ternary "" $.Values.secrets.existingSecret (ne $s.value "")) -}}
{{- $_ := set $out $name (dict "file" $file "key" $s.key "secret" ($existing | default (include "aigc.name" $)) "own" (empty $existing)) -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}

{{/* An argument of a directive, on a line of its own: name=value. Empty without a value. */}}
{{- define "aigc.arg" -}}
{{- if index . 1 -}}
{{- $arg := printf "%s=%v" (index . 0) (index . 1) -}}
{{- if not (regexMatch "^[-_=.,:/@a-zA-Z0-9]+$" $arg) -}}
{{- $arg = $arg | replace "\\" "\\\\" | replace "\"" "\\\"" | printf "\"%s\"" -}}
{{- end -}}
{{- printf "\n    %s" $arg -}}
{{- end -}}
{{- end -}}

{{/* Seconds that connections have once nginx was told to end. */}}
{{- define "aigc.shutdownTimeout" -}}
{{- $left := sub (int .Values.shutdown.graceSeconds) (add (int .Values.shutdown.preStopSeconds) 15) -}}
{{- if lt (int $left) 1 -}}
{{- fail "shutdown.graceSeconds: has to be at least preStopSeconds + 16" -}}
{{- end -}}
{{- $left -}}
{{- end -}}

{{- define "aigc.podSecurity" -}}
runAsNonRoot: true
runAsUser: 101
runAsGroup: 101
fsGroup: 101
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "aigc.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
