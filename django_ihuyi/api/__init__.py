"""The REST API: everything that knows Django REST framework."""
