#!/bin/sh
# Builds the images hotline and hotline-asterisk with docker where an engine runs, else with buildah.
# BASE names another base image, TAG another tag; arguments go to the builder (--network host, --volume …).
set -eu
cd "$(dirname "$0")/.."
base=${BASE:-docker.io/library/debian:12-slim}
tag=${TAG:-latest}
if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    build() { file=$1; shift; DOCKER_BUILDKIT=1 docker build -f "$file" --build-arg BASE="$base" "$@" .; }
elif command -v buildah >/dev/null; then
    # HEALTHCHECK exists in docker's image format only; layers make the second build quick.
    build() {
        file=$1; shift
        buildah bud --format docker --layers -f "$file" --ignorefile "$file.dockerignore" --build-arg BASE="$base" "$@" .
    }
else
    echo "错误：没有运行中的 docker，也没有 buildah。请管理员执行：apt-get install -y buildah" >&2
    exit 1
fi
build docker/Dockerfile -t "hotline:$tag" "$@"
build docker/asterisk.Dockerfile --build-arg SERVICE="hotline:$tag" -t "hotline-asterisk:$tag" "$@"
echo "已建成：hotline:$tag、hotline-asterisk:$tag"
