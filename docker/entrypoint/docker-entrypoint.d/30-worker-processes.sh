#!/bin/sh
# A worker for each CPU that the container may use: its limit (cgroup v2, or v1),
# rounded up, and at most what the machine has.  nginx's own "auto" counts the
# machine's, and would start 64 workers for a limit of 2.
#
#   NGINX_WORKER_PROCESSES  a number, or auto
set -eu

# /tmp is the one folder that is writable; nginx.conf includes this file.
file=/tmp/nginx-worker-processes.conf

# quota PERIOD: CPUs, rounded up; nothing for "no limit"
cpus() {
    [ "$1" -gt 0 ] 2>/dev/null && [ "$2" -gt 0 ] && echo $((($1 + $2 - 1) / $2))
}

limit() {
    if [ -r /sys/fs/cgroup/cpu.max ]; then
        read -r quota period </sys/fs/cgroup/cpu.max
    elif [ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
        read -r quota </sys/fs/cgroup/cpu/cpu.cfs_quota_us
        read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us
    else
        return 1
    fi
    cpus "$quota" "$period"
}

workers=${NGINX_WORKER_PROCESSES:-}
case $workers in
'')
    workers=$(nproc)
    limit=$(limit) && [ "$limit" -lt "$workers" ] && workers=$limit
    ;;
auto) ;;
*[!0-9]* | 0)
    echo "aigc: NGINX_WORKER_PROCESSES=$workers is neither a number nor auto: correct it, or leave it out" >&2
    exit 1
    ;;
esac

echo "worker_processes $workers;" >"$file" || {
    echo "aigc: $file cannot be written: mount an emptyDir, or a tmpfs, at /tmp" >&2
    exit 1
}
[ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: worker_processes $workers"
