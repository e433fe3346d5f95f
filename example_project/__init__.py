"""A whole site round django_ihuyi, to run, to read and to copy from."""
