#!/bin/sh
# Makes configurations of templates: /etc/nginx/templates/NAME.template becomes
# /etc/nginx/conf.d/NAME, with variables that are defined replaced and all others
# (nginx's own) left alone.  As in the official nginx image:
#
#   NGINX_ENVSUBST_TEMPLATE_DIR     /etc/nginx/templates
#   NGINX_ENVSUBST_TEMPLATE_SUFFIX  .template
#   NGINX_ENVSUBST_OUTPUT_DIR       /etc/nginx/conf.d
#   NGINX_ENVSUBST_FILTER           only variables whose names match this expression
set -eu

templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}

say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

[ -d "$templates" ] || exit 0
if [ ! -w "$output" ]; then
    for file in "$output"/*.conf; do [ -e "$file" ] && break; done
    if [ ! -e "$file" ]; then
        echo "aigc: $output is not writable and holds no configuration: mount an emptyDir or a tmpfs there that uid $(id -u) may write, or a ConfigMap with the configuration" >&2
        exit 1
    fi
    say "$output is not writable: it is used as it is, and $templates is not"
    exit 0
fi

defined=$(awk -v filter="${NGINX_ENVSUBST_FILTER:-}" \
    'BEGIN { for (name in ENVIRON) if (name ~ filter) printf "${%s} ", name }' </dev/null)

find "$templates" -follow -type f -name "*$suffix" -print | while read -r template; do
    name=${template#"$templates/"}
    file=$output/${name%"$suffix"}
    mkdir -p "$(dirname "$file")"
    say "$template -> $file"
    envsubst "$defined" <"$template" >"$file"
done
