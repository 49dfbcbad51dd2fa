#!/bin/sh
# Runs what is in /docker-entrypoint.d, in the order of the names, then the command:
# in the habit of the official nginx image.  *.envsh may set variables, *.sh do
# something; a file that is not executable is left out.
#
# NGINX_ENTRYPOINT_QUIET_LOGS=1: only errors are said.
set -eu

say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

case ${1:-} in
nginx | nginx-debug)
    for file in $(find /docker-entrypoint.d/ -follow -type f -print | sort -V); do
        case $file in
        *.envsh | *.sh)
            if [ ! -x "$file" ]; then
                say "$file is left out: it is not executable"
                continue
            fi
            say "$file"
            # shellcheck source=/dev/null
            case $file in
            *.envsh) . "$file" ;;
            *) "$file" ;;
            esac
            ;;
        *) say "$file is left out: it is neither *.sh nor *.envsh" ;;
        esac
    done
    say "ready for start up"
    ;;
esac

exec "$@"
