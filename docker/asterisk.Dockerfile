# Asterisk 22 LTS as Debian's testing carries it. Its configuration is rendered by the service into a shared volume.
ARG BASE=debian:forky-slim
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends asterisk && rm -rf /var/lib/apt/lists/* \
    && usermod --uid 10001 asterisk && chown -R asterisk /var/lib/asterisk /var/log/asterisk /var/spool/asterisk
USER asterisk
EXPOSE 5060/udp 20000-20999/udp
ENTRYPOINT ["asterisk", "-f", "-C", "/var/lib/hotline/asterisk/etc/asterisk.conf"]
