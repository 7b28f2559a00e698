#!/bin/sh
# Builds the images hotline and hotline-asterisk with docker where an engine runs, else with buildah.
# BASE names another base image, TAG another tag; arguments go to the builder (--network host, --volume …).
set -eu
cd "$(dirname "$0")/.."
base=${BASE:-docker.io/library/debian:12-slim}
tag=${TAG:-latest}
if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    build() { docker build "$@" .; }
elif command -v buildah >/dev/null; then
    # HEALTHCHECK exists in docker's image format only; layers make the second build quick.
    build() { buildah bud --format docker --layers --ignorefile docker/Dockerfile.dockerignore "$@" .; }
else
    echo "错误：没有运行中的 docker，也没有 buildah。请管理员执行：apt-get install -y buildah" >&2
    exit 1
fi
build --build-arg BASE="$base" -f docker/Dockerfile -t "hotline:$tag" "$@"
build --build-arg BASE="$base" --build-arg SERVICE="hotline:$tag" -f docker/asterisk.Dockerfile -t "hotline-asterisk:$tag" "$@"
