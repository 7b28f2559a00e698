#!/bin/sh
# Starts Asterisk as soon as the service has written its files into the shared folder; the roster comes last.
set -eu
etc=${HOTLINE_HOME:-/var/lib/hotline}/asterisk/etc
[ -s "$etc/extensions_hotline.conf" ] || echo "等待服务写入 $etc 中的配置……"
until [ -s "$etc/extensions_hotline.conf" ]; do sleep 1; done
exec asterisk -f -C "$etc/asterisk.conf"
