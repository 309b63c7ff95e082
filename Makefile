# `make help` lists what there is. Every target first makes .venv, from uv.lock; uv itself is fetched if it is missing.

.DEFAULT_GOAL := help
.PHONY: help demo serve test check format bench redis

UV := $(or $(shell command -v uv),.venv-uv/bin/uv)
RUN := $(UV) run --no-sync
SYNCED := .venv/.synced

# Trust what the machine trusts, as pip does: a network with a certificate authority of its own.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS = true
endif

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(SYNCED) ## See a conversation remember an earlier one; needs no key and no network
	@$(RUN) remora demo

serve: $(SYNCED) ## Run the proxy in front of REMORA_UPSTREAM_BASE_URL
	@$(RUN) remora serve

test: $(SYNCED) redis ## Run every test, on SQLite and on a real Redis
	$(RUN) pytest -n 2

check: $(SYNCED) ## Lint, formatting, types, direction of imports
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports --no-logo

format: $(SYNCED) ## Format, and fix what lint can fix
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: $(SYNCED) redis ## Measure speed and memory against the same local upstream
	$(RUN) python -m tests.bench

redis: $(SYNCED) ## Find or fetch the Redis for the tests, and say which it is
	@$(RUN) python -m tests.support.redis_binary

$(SYNCED): uv.lock pyproject.toml $(filter .venv-uv/%,$(UV))
	$(UV) sync --frozen --all-extras --all-groups
	@touch $@

# Into a folder, not an environment: this works without ensurepip and beside an externally managed Python.
.venv-uv/bin/uv:
	python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check --target .venv-uv 'uv>=0.8'
