"""A client of the platform's HTTP API, free of Django.

- `http`: `Client`, which makes the calls
- `outcomes`: `Outcome`, `Submission`, `Balance`, `FAULTS`: the result of a call
- `results`: the table of the platform's result codes
- `protocol`: build and sign forms, parse answers; pure
- `products`, `endpoint`: the platform's products and addresses, and which addresses may get the account and key
- `exchange`, `transport`, `connections`, `resolver`: one request and its answer, within a deadline
- `probe`: test the connection without sending anything
- `wsgi`: `WSGIAdapter`, to call a WSGI application in place of the platform
- `geetest`: GeeTest's API, through the same `exchange`
"""
