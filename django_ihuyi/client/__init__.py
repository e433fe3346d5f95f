"""The platform's language, free of Django.

- `http`: `Client`, which makes the calls
- `outcomes`: `Outcome`, `Submission`, `Balance`, `FAULTS`: what became of a call
- `results`: the catalogue of the platform's result codes
- `protocol`: sign, build and parse, pure
- `products`: the platform's products: their addresses and their names for things
- `endpoint`: which addresses may get our account and key
- `exchange`: one request and its reply, and whether it may be tried once more
- `wsgi`: `WSGIAdapter`, to call a WSGI application in place of the platform
"""
