# Asterisk alone, the very files that the service image carries, so that a new service leaves calls alone.
# Build: make images, after the service image SERVICE.
ARG BASE=docker.io/library/debian:12-slim
ARG SERVICE=hotline
FROM ${SERVICE} AS service

FROM ${BASE}
# Python for agi_scripts/ alone, at the path at which the service has its own: both images are of one base.
RUN apt-get -q update \
    && apt-get -q install -y --no-install-recommends python3 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /var/lib/hotline hotline \
    && install -d -o hotline -m 0700 /var/lib/hotline /var/lib/hotline/asterisk /var/lib/hotline/spool
COPY --from=service /opt/asterisk /opt/asterisk
COPY --from=service /opt/hotline/agi_scripts /opt/hotline/agi_scripts
COPY --from=service /opt/hotline/.venv/lib/python3.*/site-packages/asterisk /opt/hotline/agi_scripts/asterisk
COPY --from=service /opt/hotline/.venv/lib/python3.*/site-packages/six.py /opt/hotline/agi_scripts/
COPY docker/start-asterisk.sh /usr/local/bin/start-asterisk
RUN install -d /opt/hotline/.venv/bin \
    && ln -s /usr/bin/python3 /opt/hotline/.venv/bin/python \
    && ln -s python /opt/hotline/.venv/bin/python3
RUN ln -s /opt/asterisk/asterisk-*/usr/sbin/asterisk /usr/local/sbin/asterisk
ENV HOTLINE_HOME=/var/lib/hotline
USER hotline
WORKDIR /var/lib/hotline
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s \
    CMD asterisk -C "$HOTLINE_HOME/asterisk/etc/asterisk.conf" -rx "core waitfullybooted"
ENTRYPOINT ["sh", "/usr/local/bin/start-asterisk"]
