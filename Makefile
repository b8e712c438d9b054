PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := schema ingest query deploy
FUZZ_OPTIONS = --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))
UV := UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --python $(BIN)/python
# uv takes a fifth of pip's time; where it cannot be had, or knows nothing of pip's mirror, pip does it.
install = $(UV) -q --require-hashes -r $(1) || $(BIN)/pip install -q --require-hashes -r $(1)
# In CI tests that failed beside all others (exit 1) run once more by themselves; the first that fails again ends it.
once_more = || { test $$? = 1 && $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -x -v; }

unexport PYTHONDONTWRITEBYTECODE # a start would compile every module anew

.PHONY: up test faults fuzz kube audit lint format lock bench clean

up: $(VENV)/installed ## set up and run everything in one process
	exec $(BIN)/eventide up

test: $(VENV)/installed-test ## set up and run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(CI),$(once_more))

bench: $(VENV)/installed-test ## measure everything: ONLY=writes,reads,stored,mixed,tiers,registry,page,wide,bands,growth,fairness,client,export,adapters SCALE=1
	$(BIN)/python -m tests.bench

faults: $(VENV)/installed-test ## every fault on a real Kafka, about 80 minutes: SEED=7 ONLY=worker,kafka RUNS=2 make faults
	$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS))

fuzz: $(VENV)/installed-test ## every endpoint, and what parses bytes of strangers: SECONDS=600 SEED=7 make fuzz
	$(BIN)/python -m tests.fuzz.api $(FUZZ_OPTIONS)
	$(BIN)/python -m tests.fuzz.parsers $(FUZZ_OPTIONS)
	$(BIN)/python -m tests.fuzz.arrow $(FUZZ_OPTIONS)

kube: $(VENV)/installed-test ## the Helm chart on a real API server, then on two real nodes (root, Go, Docker, containerd)
	$(BIN)/python -m pytest -x -rs tests/kube

audit: $(VENV)/installed-test ## what the package index knows of the pinned versions
	$(BIN)/python -m tests.audit.pins

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	if command -v npx > /dev/null; then npx -y -p typescript@5.9.3 tsc -p tests/page/tsconfig.json; fi

format: $(VENV)/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/installed-test ## renew the lock files from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra otel -c requirements.lock -o requirements-otel.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra test -o requirements-test.lock pyproject.toml
	echo uv | $(BIN)/uv pip compile -q --universal --generate-hashes --no-header -o requirements-uv.lock -

$(VENV)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/uv: $(VENV)/python requirements-uv.lock
	-$(BIN)/pip install -q --require-hashes -r requirements-uv.lock
	touch $@

$(VENV)/installed: $(VENV)/uv requirements.lock pyproject.toml
	$(call install,requirements.lock)
	$(BIN)/pip install -q --no-deps -e .
	$(BIN)/python -m compileall -q $(PACKAGES)
	touch $@

$(VENV)/installed-test: $(VENV)/uv requirements-test.lock pyproject.toml
	$(call install,requirements-test.lock)
	$(BIN)/pip install -q --no-deps -e .
	$(BIN)/python -m compileall -q $(PACKAGES)
	touch $@

clean:
	rm -rf $(VENV) *.egg-info
