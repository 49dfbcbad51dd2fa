{{/*
_nginx.tpl: nginx's configuration, of which the image's nginx.conf includes the
first at main level, the second at http level.  docs/reference.md says what each
directive means.
*/}}

{{- define "aigc.main.conf" -}}
worker_shutdown_timeout  {{ include "aigc.shutdownTimeout" . }}s;
{{- with .Values.nginx.snippets.main }}

{{ . | trim }}
{{- end }}
{{- end -}}

{{- define "aigc.aigc.conf" -}}
{{- $v := .Values -}}
{{- $host := include "aigc.host" . -}}
{{- $domain := include "aigc.domain" . -}}
{{- $pp := ternary " proxy_protocol" "" $v.realIP.proxyProtocol -}}
{{- $https := hasPrefix "https:" $v.gateway.url -}}
aigc_zone  gateway:{{ $v.gateway.zone }};

aigc_kubernetes  {{ $v.kubernetes.url }}
    {{- include "aigc.arg" (list "namespaces" (join "," $v.templates.namespaces)) }}
    {{- include "aigc.arg" (list "selector" $v.templates.selector) }}
    {{- include "aigc.arg" (list "max_stale" $v.kubernetes.maxStale) }};

{{ if eq (include "aigc.provider" .) "logto" -}}
{{- $l := $v.logto -}}
aigc_logto  {{ $l.endpoint }}
    {{- include "aigc.arg" (list "app_id" (required "logto.appId: set the id of the application at Logto" $l.appId)) }}
    app_secret_file=/etc/aigc/secrets/app_secret
    {{- if $l.m2mAppId }}
    {{- include "aigc.arg" (list "m2m_app_id" $l.m2mAppId) }}
    m2m_app_secret_file=/etc/aigc/secrets/m2m_app_secret
    {{- end }}
    {{- if $l.webhook }}
    webhook_key_file=/etc/aigc/secrets/webhook_key
    {{- end }}
    {{- range $name, $value := dict "m2m_resource" $l.m2mResource "audience" $l.audience "scope" $l.scope "grace" $l.grace
        "admin_role" $l.adminRole "custom_data" $l.customData }}
    {{- include "aigc.arg" (list $name $value) }}
    {{- end }}
{{- else -}}
{{- $o := $v.oidc -}}
aigc_oidc
    {{- include "aigc.arg" (list "issuer" $o.issuer) }}
    {{- include "aigc.arg" (list "client_id" (required "oidc.clientId: set the id of the client at the provider" $o.clientId)) }}
    client_secret_file=/etc/aigc/secrets/app_secret
    {{- range $name, $value := dict "scope" $o.scope "roles_claim" $o.rolesClaim "name_claim" $o.nameClaim "admin_role" $o.adminRole
        "audience" $o.audience "required_scope" $o.requiredScope "prompt" $o.prompt "id_token_hint" $o.idTokenHint "grace" $o.grace }}
    {{- include "aigc.arg" (list $name $value) }}
    {{- end }}
{{- end }}
{{- if $v.providerCA.existingConfigMap }}
    ca_file=/etc/aigc/ca/ca.crt
{{- end }};

aigc_session
    key_file=/etc/aigc/secrets/session.key
    domain={{ $domain }}
    {{- include "aigc.arg" (list "lifetime" $v.gateway.session.lifetime) }}
    {{- include "aigc.arg" (list "cookie" $v.gateway.session.cookie) }}
    {{- include "aigc.arg" (list "secure" (ternary "" "off" $https)) }};

aigc_gateway  {{ $v.gateway.url }};
aigc_limits  user_template={{ int $v.gateway.limits.userTemplate }} user_total={{ int $v.gateway.limits.userTotal }};

# the headers of instance.conf, and one of yours beside them
proxy_headers_hash_bucket_size  128;

upstream instances { aigc_instances; keepalive {{ int $v.nginx.keepalive }}; keepalive_timeout 4s; }
{{- if or $v.realIP.proxyProtocol $v.realIP.trusted }}

# whose address a client has
real_ip_header     {{ ternary "proxy_protocol" $v.realIP.header $v.realIP.proxyProtocol }};
real_ip_recursive  on;
{{- range $v.realIP.trusted }}
set_real_ip_from   {{ . }};
{{- end }}
{{- end }}
{{- if $v.tls.enabled }}

# by a variable, so that a renewed certificate is read without a reload
map $ssl_server_name $aigc_tls { default /etc/aigc/tls; }
ssl_certificate            $aigc_tls/tls.crt;
ssl_certificate_key        $aigc_tls/tls.key;
ssl_protocols              TLSv1.2 TLSv1.3;
ssl_prefer_server_ciphers  off;
ssl_session_cache          shared:aigc_tls:10m;
ssl_session_timeout        1d;
ssl_session_tickets        off;
{{- end }}
{{- with $v.nginx.snippets.http }}

{{ . | trim }}
{{- end }}

{{/* where the front door listens: TLS's port where TLS ends here and http goes there */}}
{{- $listen := list -}}
{{- $plain := list (printf "listen 8080%%s%s;" $pp) -}}
{{- if $v.nginx.ipv6 -}}{{- $plain = append $plain (printf "listen [::]:8080%%s%s;" $pp) -}}{{- end -}}
{{- if not (and $v.tls.enabled $v.tls.redirect) -}}{{- $listen = concat $listen $plain -}}{{- end -}}
{{- if $v.tls.enabled -}}
{{- $h2 := ternary " http2" "" $v.nginx.http2 -}}
{{- $listen = append $listen (printf "listen 8443 ssl%s%%s%s;" $h2 $pp) -}}
{{- if $v.nginx.ipv6 -}}{{- $listen = append $listen (printf "listen [::]:8443 ssl%s%%s%s;" $h2 $pp) -}}{{- end -}}
{{- end -}}
server {                                    # any other host
    {{- range $listen }}
    {{ printf . " default_server" }}
    {{- end }}
    server_name _;
    return 404;
}

server {                                    # the gateway itself
    {{- range $listen }}
    {{ printf . "" }}
    {{- end }}
    server_name {{ $host }};
    root /usr/share/aigc/dashboard;
    include aigc/gateway.conf;
    {{- with $v.nginx.snippets.gatewayServer }}
{{ . | trim | indent 4 }}
    {{- end }}
}

server {                                    # every instance
    {{- range $listen }}
    {{ printf . "" }}
    {{- end }}
    server_name *.{{ $domain }};
    {{- with $v.nginx.snippets.instanceServer }}
{{ . | trim | indent 4 }}
    {{- end }}
    location / {
        include aigc/instance.conf;
        {{- with $v.nginx.snippets.instanceLocation }}
{{ . | trim | indent 8 }}
        {{- end }}
    }
}
{{- if and $v.tls.enabled $v.tls.redirect }}

server {                                    # plain HTTP
    {{- range $plain }}
    {{ printf . " default_server" }}
    {{- end }}
    server_name _;
    return 308 https://$host{{ include "aigc.port" . }}$request_uri;
}
{{- end }}

server {                                    # probes and Prometheus
    listen 9145;
    {{- if $v.nginx.ipv6 }}
    listen [::]:9145;
    {{- end }}
    access_log off;
    location = /healthz  { aigc_healthz; }
    location = /readyz   { aigc_readyz; }
    location = /metrics  { aigc_metrics; }

    # who owns what: by kubectl port-forward alone
    location = /table    { aigc_table; allow 127.0.0.1; allow ::1; deny all; }
    location = /describe { aigc_describe; allow 127.0.0.1; allow ::1; deny all; }
}
{{- end -}}
