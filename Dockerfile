# footloom as a server: charts at port 8123, with a token; store and settings in /data.
#
#   docker build -t footloom .
#   docker run -p 8123:8123 -v footloom:/data footloom serve binance_usdm:BTCUSDT
#   docker exec CONTAINER footloom link        prints the link that lets a browser in

FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY . .
# The page is built by the build hook, which gets itself a Node for as long as that takes.
RUN python -m venv /opt/footloom && /opt/footloom/bin/pip install .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /data footloom
COPY --from=build /opt/footloom /opt/footloom
ENV PATH=/opt/footloom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FOOTLOOM_HOST=0.0.0.0 \
    FOOTLOOM_PORT=8123 \
    FOOTLOOM_STORE=/data/store \
    FOOTLOOM_CONFIG=/data/settings \
    FOOTLOOM_CACHE=/data/cache \
    FOOTLOOM_LOG_FORMAT=json
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8123
STOPSIGNAL SIGTERM
# /livez answers without the token; with --tls-cert the check has to speak https: give --health-cmd of your own.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"FOOTLOOM_PORT\"]}/livez', timeout=4)"]
ENTRYPOINT ["footloom"]
CMD ["serve"]
