# The image: one stage builds the wheel, the other holds Python, the locked dependencies and the wheel, and nothing else.
# Everything but /var/lib/greenapi-exporter may be read-only; any user may run it, by default 10048.
#
#   docker build --tag greenapi-exporter:0.1.0 .
#   docker run --rm --publish 127.0.0.1:10048:10048 greenapi-exporter:0.1.0 --demo

ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The dependencies first: they change less often than the code, so these layers mostly come from the cache.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes --only-binary :all: --requirement requirements/build.txt
RUN python -m venv --without-pip /opt/greenapi-exporter \
    && pip --python /opt/greenapi-exporter install --require-hashes --only-binary :all: --requirement requirements/runtime.txt

COPY LICENSE README.md pyproject.toml setup.cfg ./
COPY exporter/ exporter/
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && pip --python /opt/greenapi-exporter install --no-deps --no-index /dist/*.whl \
    && install -d -m 0700 /state

FROM ${BASE}
LABEL org.opencontainers.image.title="greenapi-exporter" \
      org.opencontainers.image.description="A Prometheus exporter for messages sent through GREEN-API" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/greenapi-exporter /opt/greenapi-exporter
# An empty directory with an owner: a new named volume takes both from here.
COPY --from=build --chown=10048:10048 /state /var/lib/greenapi-exporter

ENV PATH=/opt/greenapi-exporter/bin:$PATH HOME=/var/lib/greenapi-exporter PYTHONDONTWRITEBYTECODE=1
# The state file's default is relative to the working directory.
WORKDIR /var/lib/greenapi-exporter
VOLUME /var/lib/greenapi-exporter
USER 10048:10048
EXPOSE 10048
# Plain HTTP on the default port, without a proxy; whoever switches on TLS or basic auth replaces this with their own.
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s \
    CMD ["/opt/greenapi-exporter/bin/python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 10048, timeout=5); c.request('GET', '/-/healthy'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["/opt/greenapi-exporter/bin/greenapi-exporter"]
