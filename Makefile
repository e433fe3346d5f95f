# Short names; each line also works when it is typed.
.PHONY: demo test proofs release-check services check docs changelog clean

PYTHON ?= python3

demo:  ## show the whole job, then serve the example site
	$(PYTHON) example_project/demo.py

test:  ## the suite on SQLite; ARGS="-k limits" goes to pytest
	$(PYTHON) tests/runtests.py $(ARGS)

proofs:  ## the long proofs on PostgreSQL and Redis
	$(PYTHON) tests/services.py postgresql redis -- $(PYTHON) tests/runtests.py --proofs $(ARGS)

release-check:  ## all that CI has no time for, before a release; ARGS="--quick" takes small numbers
	$(PYTHON) tests/release_check.py $(ARGS)

services:  ## throw-away PostgreSQL, MariaDB and Redis until Ctrl-C
	$(PYTHON) tests/services.py

check:  ## lint, types, migrations, translations, documentation
	$(PYTHON) tests/runchecks.py

docs:  ## the documentation, into docs/_build/
	$(PYTHON) tests/runchecks.py docs

clean:  ## everything that was made
	rm -rf .venv-* docs/_build dist build example_project/db.sqlite3* .pytest_cache .mypy_cache .ruff_cache .hypothesis
