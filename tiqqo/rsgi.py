"""The web service's entry point: `granian --interface rsgi tiqqo.rsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
handler = get_wsgi_application()

from django.conf import settings  # noqa: E402

from tiqqo.core.processes import settle  # noqa: E402
from tiqqo.core.rsgi_application import Application  # noqa: E402
from tiqqo.ui.static_files import warn_without_manifest  # noqa: E402

application = Application(handler, threads=settings.WEB_THREADS)
settle()
warn_without_manifest()
