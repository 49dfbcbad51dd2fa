#!/usr/bin/env bash
# Builds the images that the node's pods need, beside the gateway's own, into
# build/node-images, each an archive: pause, CoreDNS, the demo application twice (one has
# to be updated to the other) and Logto's stand-in.  Each holds its program and
# nothing else.  Run by scripts/setup node.
#   t/node/images.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$PWD/build/node-images
mkdir -p "$out"

buildah() { command buildah --root "$out/storage" --runroot "$out/run" --storage-driver vfs "$@"; }

# image NAME ROOT CONFIG…: an archive of the files below ROOT
image() {
    local name=$1 root=$2 container; shift 2
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$root" / >/dev/null
    buildah config "$@" "$container"
    buildah commit --quiet --format docker --rm "$container" "localhost/$name" >/dev/null
    rm -f "$out/${name/:/-}.tar"
    buildah push --quiet "localhost/$name" "docker-archive:$out/${name/:/-}.tar:localhost/$name"
    buildah rmi "localhost/$name" >/dev/null
}

root=$out/root
fresh() { rm -rf "$root"; mkdir -p "$root"; }

fresh
cp build/bin/pause "$root/"
image pause:1 "$root" --entrypoint '["/pause"]' --user 65532:65532

fresh
cp build/bin/coredns "$root/"
image coredns:1 "$root" --entrypoint '["/coredns"]' --user 65532:65532

for version in 1 2; do
    fresh
    cp build/bin/aigc-demo "$root/"
    mkdir -m 1777 "$root/tmp"
    # the label makes two images of one program
    image "aigc-demo:$version" "$root" --entrypoint '["/aigc-demo"]' --user 65532:65532 \
        --env "DEMO_IMAGE=localhost/aigc-demo:$version" --label "version=$version" --port 7860
done

# The machine's Node with the libraries that it names.
fresh
node=$(command -v node)
mkdir -p "$root/app" "$root/usr/bin" "$root/data"
cp -L "$node" "$root/usr/bin/node"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
    install -D "$library" "$root$library"
done
cp -r t/logto/*.mjs t/logto/package.json t/logto/node_modules "$root/app/"
mkdir -m 1777 "$root/tmp"
image aigc-logto:1 "$root" --entrypoint '["/usr/bin/node","/app/server.mjs"]' --user 65532:65532 --workingdir /app
rm -rf "$root" "$out/storage" "$out/run"
