"""WSGI entry point: `granian --interface wsgi tiqqo.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from tiqqo.core.processes import settle
from tiqqo.ui.static_files import warn_without_manifest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")

application = get_wsgi_application()
settle()
warn_without_manifest()
