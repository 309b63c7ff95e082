# `make help` lists what there is. Every target first makes .venv, from uv.lock; uv itself is fetched if it is missing.

.DEFAULT_GOAL := help
.PHONY: help demo serve test check format bench bench-peers bench-soak bench-recall redis wrk bench-scale bench-scale-1m bench-learning

UV := $(or $(shell command -v uv),.venv-uv/bin/uv)
RUN := $(UV) run --no-sync
RUNTIME := .venv/.runtime
SYNCED := .venv/.synced

# Trust what the machine trusts, as pip does: a network with a certificate authority of its own.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS = true
endif

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## See a conversation remember an earlier one; needs no key and no network
	@$(RUN) remora demo

serve: $(RUNTIME) ## Run the proxy in front of REMORA_UPSTREAM_BASE_URL
	@$(RUN) remora serve

test: $(SYNCED) redis ## Run every test, on SQLite and on a real Redis
	$(RUN) pytest -n 2 --dist worksteal

check: $(SYNCED) ## Lint, formatting, types, direction of imports
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports --no-logo

format: $(SYNCED) ## Format, and fix what lint can fix
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: $(SYNCED) redis wrk ## Measure speed and memory against a bare relay; QUICK=1 for a first impression
	$(RUN) python -m tests.bench $(if $(QUICK),--quick) $(if $(OUTPUT),--output $(OUTPUT) --readme README.md)

bench-peers: $(SYNCED) redis wrk ## The same beside LiteLLM's proxy, which it installs for this alone
	$(RUN) python -m tests.bench --peers $(if $(QUICK),--quick) $(if $(OUTPUT),--output $(OUTPUT) --readme README.md)

bench-soak: $(SYNCED) redis wrk ## See whether memory grows over 500,000 requests
	$(RUN) python -m tests.bench.soak $(if $(OUTPUT),--output $(OUTPUT))

bench-recall: $(SYNCED) redis ## Measure what is found again, and each signal's part in it; QUICK=1: without the latter
	@$(RUN) python -m tests.recall $(if $(QUICK),--quick)

bench-scale: $(SYNCED) redis ## Measure search and insertion from 1,000 memories to 100,000, on both engines
	$(RUN) python -m tests.bench.scale

bench-scale-1m: $(SYNCED) redis ## The same with a million, on Redis; takes a quarter of an hour and 5 GB
	$(RUN) python -m tests.bench.scale --million

bench-learning: $(SYNCED) redis ## Measure how many exchanges a second the learning worker keeps up with
	$(RUN) python -m tests.bench.learning

redis: $(SYNCED) ## Find or fetch the Redis for the tests, and say which it is
	@$(RUN) python -m tests.support.redis_binary

wrk:
	@command -v wrk >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -qy --no-install-recommends wrk; } \
		|| { echo 'The benchmark needs wrk: install the package of that name'; exit 1; }

$(SYNCED): uv.lock pyproject.toml $(filter .venv-uv/%,$(UV))
	$(UV) sync --frozen --all-extras --all-groups --compile-bytecode
	@touch $@

# What it takes to run, without what it takes to develop.
$(RUNTIME): uv.lock pyproject.toml $(filter .venv-uv/%,$(UV))
	$(UV) sync --frozen --inexact --no-default-groups --extra demo
	@touch $@

# Into a folder, not an environment: this works without ensurepip and beside an externally managed Python.
.venv-uv/bin/uv:
	python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check --target .venv-uv 'uv>=0.8'
