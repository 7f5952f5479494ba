# What a developer, the CI and a curious stranger run. Needs make and Python >= 3.11.

VENV := .venv
BIN := $(VENV)/bin
VENV_DJANGO61 := .venv-django61
VENV_BENCH := .venv-bench

# The Python that the environment was made of; python3 when there is none.
# Another one: make install PYTHON=python3.12
ifndef PYTHON
PYTHON := $(shell $(BIN)/python -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null || echo python3)
endif
PYTHON312 ?= $(shell .ci/find-python 12 || echo python3.12)

# make test PYTEST_ARGS="-k unsubscribe" WORKERS=0
WORKERS ?= 2
PYTEST_ARGS ?=
BENCH_DATABASE ?=
DEMO_ARGS ?=
UV_ARGS ?=
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# Whatever the shell has exported for another run of the site stays outside.
CLEAN_ENV := env -u DJANGO_SETTINGS_MODULE
EMBEDDED := $(CLEAN_ENV) -u DATABASE_URL -u CELERY_BROKER_URL
SERVICES := $(CLEAN_ENV) \
	DATABASE_URL="$${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres}" \
	CELERY_BROKER_URL="$${CELERY_BROKER_URL:-redis://127.0.0.1:6379/1}"

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

install: ## make .venv and install requirements.txt; quick when nothing changed
	@found=$$($(PYTHON) -c 'import sys; print(sys.version.split()[0])' 2>/dev/null); \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "massmail needs Python 3.11 or newer; $(PYTHON) is $${found:-not there}." >&2; \
		echo "Choose another one: make install PYTHON=python3.12" >&2; \
		exit 1; \
	}
	@$(PYTHON) requirements/install.py $(VENV)

demo: install ## send a demo mailing on SQLite and serve the site (DEMO_ARGS=--once)
	$(EMBEDDED) $(BIN)/python manage.py demo $(DEMO_ARGS)

test: install ## run the suite on the embedded default; needs no service
	$(EMBEDDED) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		-m "not services and not browser and not faults and not dovecot" $(PYTEST_ARGS)

test-services: install ## run the suite on PostgreSQL and Redis (DATABASE_URL, CELERY_BROKER_URL)
	@$(SERVICES) $(BIN)/python .ci/services.py
	$(SERVICES) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		-m "(services or not embedded) and not browser and not faults and not dovecot" $(PYTEST_ARGS)

test-dovecot: install ## run the tests that read mail from Debian's Dovecot 2.3
	$(EMBEDDED) $(BIN)/python -m pytest -m dovecot $(PYTEST_ARGS)

test-faults: install ## kill senders by the hundred: SQLite, then PostgreSQL (takes long)
	$(EMBEDDED) $(BIN)/python -m pytest -m "faults and not services" $(PYTEST_ARGS)
	@$(SERVICES) $(BIN)/python .ci/services.py
	$(SERVICES) $(BIN)/python -m pytest -m faults $(PYTEST_ARGS)

test-browser: install ## run the tests that open pages in Chromium (CHROMIUM=path)
	@test -x "$(CHROMIUM)" || { \
		echo "No Chromium found. Debian: apt install chromium; or: make test-browser CHROMIUM=path" >&2; \
		exit 1; \
	}
	$(EMBEDDED) CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		-m browser --timeout 300 --durations 10 $(PYTEST_ARGS)

screenshots: install ## take the pictures of docs/user_guide.md anew (CHROMIUM=path)
	$(EMBEDDED) CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest --timeout 300 \
		settings/tests/browser/pictures.py $(PYTEST_ARGS)

install-django61: ## make .venv-django61 with Django 6.1 (PYTHON312=path)
	@$(PYTHON312) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
		echo "Django 6.1 needs Python 3.12 or newer; $(PYTHON312) is not. Choose: make test-django61 PYTHON312=path" >&2; \
		exit 1; \
	}
	@$(VENV_DJANGO61)/bin/python -c '' 2>/dev/null || $(PYTHON312) -m venv --clear $(VENV_DJANGO61)
	$(VENV_DJANGO61)/bin/python -m pip install --quiet --disable-pip-version-check \
		'Django>=6.1,<6.2' --editable '.[celery,editor,oauth,site,tests]'

test-django61: install-django61 ## run the suite on Django 6.1 under Python 3.12 (PYTHON312=path)
	$(EMBEDDED) $(VENV_DJANGO61)/bin/python -m pytest -n $(WORKERS) --dist worksteal \
		-m "not services and not browser and not faults and not dovecot" $(PYTEST_ARGS)

lint: install ## check style, format, types and missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(EMBEDDED) $(BIN)/mypy
	$(EMBEDDED) $(BIN)/python manage.py makemigrations --check --dry-run \
		--settings settings.environments.test

bench: install ## measure, and write docs/performance.md (BENCH_DATABASE=URL of an empty PostgreSQL)
	@$(VENV_BENCH)/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV_BENCH)
	$(VENV_BENCH)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement requirements/bench.in
	@for module in $$(grep -l '^def main(' benchmarks/*.py); do \
		$(EMBEDDED) $(BIN)/python -m benchmarks.$$(basename $$module .py) \
			$(if $(BENCH_DATABASE),--database $(BENCH_DATABASE)) || exit 1; \
	done

check-deploy: install ## run Django's deploy checks on the production settings
	.ci/check-deploy

format: install ## format the code and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: install ## bring the translations' catalogs up to date
	$(EMBEDDED) $(BIN)/python -m settings.tests.catalogs

requirements: install ## compile requirements/*.in (UV_ARGS=--upgrade takes newer versions)
	$(BIN)/python requirements/compile.py $(UV_ARGS)

clean: ## remove the environments and caches; keeps var/ (data) and .env
	rm -rf $(VENV) $(VENV_DJANGO61) $(VENV_BENCH) build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install bench demo test test-services test-dovecot test-faults test-browser screenshots install-django61 \
	test-django61 lint check-deploy format messages requirements clean
