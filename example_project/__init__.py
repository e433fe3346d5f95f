"""A complete site with django_ihuyi, to run, read and copy from."""
