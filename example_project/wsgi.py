"""The WSGI application. From the repository's root: `gunicorn example_project.wsgi --workers 2 --threads 4`.

With another number of threads, set IHUYI_PLATFORM_CONCURRENCY to half of it (settings.py).
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

application = get_wsgi_application()
