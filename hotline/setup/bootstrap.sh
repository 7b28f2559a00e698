#!/bin/sh
# Makes .venv with the locked packages. Everything else is done in Python, by `hotline setup`.
set -eu
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }
python=${PYTHON:-}
for name in python3.12 python3.13 python3.11 python3; do
    [ -n "$python" ] || ! fits "$name" || python=$name
done
if [ -z "$python" ] || ! fits "$python"; then
    echo "错误：需要 Python 3.11、3.12 或 3.13（${python:-python3} 为 $("${python:-python3}" -V 2>&1 | head -1)）。可用 make PYTHON=/路径/python3.12 指定。" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # All that is missing in one go: the administrator is asked once.
    lacking=$("$python" -c 'import sys
from hotline.setup.packages import TO_RUN, missing
print("python%d.%d-venv" % sys.version_info[:2], *missing(TO_RUN))')
    if [ "$(id -u)" = 0 ]; then root=""; elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then root=sudo; else
        echo "错误：缺少系统软件包，请管理员执行：apt-get update && apt-get install -y --no-install-recommends $lacking" >&2
        exit 1
    fi
    echo "安装 $lacking……"
    $root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get -q update && apt-get -q install -y --no-install-recommends $lacking" >/dev/null
fi
[ -x .venv/bin/pip ] || { echo "建立 Python 虚拟环境……"; "$python" -m venv .venv; }
echo "安装 Python 软件包（按锁定的版本与校验值）……"
.venv/bin/pip install -q --disable-pip-version-check --require-hashes -r "${1:-requirements.txt}"
if [ $# = 0 ]; then
    .venv/bin/pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
fi
