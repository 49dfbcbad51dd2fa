#!/usr/bin/env bash
# Builds the module for an nginx that is installed, in the source of that nginx and with
# the arguments that its "nginx -V" prints, and lets that nginx load it.
#
#   build-module.sh SOURCE OUTPUT
#
#   SOURCE           nginx's source, of the same version; it is patched and built there
#   OUTPUT           where the finished module goes
#   PATCHES=DIR      its *.patch are applied to SOURCE first, in the order of their names:
#                    those that this nginx was built with
#   BINARY=nginx     which nginx (the variable NGINX is nginx's own, for inherited sockets)
set -euo pipefail

die() { echo "build-module: $*" >&2; exit 1; }

[ $# = 2 ] || die "usage: build-module.sh SOURCE OUTPUT"
nginx=${BINARY:-nginx}
case ${PATCHES:-/} in /*) ;; *) PATCHES=$PWD/$PATCHES ;; esac
unset NGINX
module=$(cd "$(dirname "$0")/../.." && pwd)
case $2 in /*) output=$2 ;; *) output=$PWD/$2 ;; esac
cd "$1"

said=$("$nginx" -V 2>&1) || die "$nginx -V fails: $said"
version=$(sed -n 's,^nginx version: [a-z]*/\([0-9.]*\).*,\1,p' <<<"$said")
source=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' src/core/nginx.h)
[ "$source" = "$version" ] ||
    die "$1 is nginx $source, and $nginx is $version: take the source of that version"

if [ -n "${PATCHES:-}" ]; then
    for file in "$PATCHES"/*.patch; do
        [ -e "$file" ] || die "$PATCHES holds no *.patch"
        patch -s -p1 <"$file" || die "$file does not apply: take the patches of this very nginx"
    done
fi

# The arguments are words as a shell has them.  Other modules are left out, for their
# sources are not here: nginx compares at load time whether that matters.  --builddir is
# where somebody else has built.
arguments=()
words=()
eval "words=($(sed -n 's/^configure arguments: //p' <<<"$said"))"
for word in "${words[@]}"; do
    case $word in
        --add-module=* | --add-dynamic-module=* | --with-*=dynamic | --builddir=*) ;;
        *) arguments+=("$word") ;;
    esac
done

./configure "${arguments[@]}" --add-dynamic-module="$module" >configure.log ||
    { tail -n 20 configure.log >&2; die "configure failed"; }
make -s -f objs/Makefile -j"${JOBS:-$(nproc)}" modules
strip --strip-unneeded objs/ngx_http_aigc_module.so
mkdir -p "$(dirname "$output")"
cp objs/ngx_http_aigc_module.so "$output"

# The module tells here whether it was built with this nginx's patches.
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
cat >"$empty/nginx.conf" <<END
load_module $output;
pid $empty/pid;
error_log stderr;
events { }
http { access_log off; server { listen 127.0.0.1:1; } }
END
"$nginx" -t -q -p "$empty" -c "$empty/nginx.conf" || die "$nginx does not load what was built: see above"
echo "build-module: $output, for nginx $version"
