# make repro   install everything, run the pipeline, print the results
# make test-fast  run lint and the fast tests
# make test    run all tests
# make help    list all targets
PYTHON ?= python3
VENV := .venv
BASE ?= main
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV_READY := $(VENV)/.ready-dev
# PyPI's torch for Linux brings gigabytes of CUDA libraries. Without an NVIDIA GPU, this index has a build for the CPU.
# Another source of packages in pip's variables or configuration takes precedence.
PIP_SOURCES = $(shell $(PYTHON) -m pip config list | grep -E 'index-url|find-links')
NEEDS_CPU_TORCH = $(and $(filter Linux,$(shell uname -s)),$(if $(PIP_SOURCES)$(shell command -v nvidia-smi),,yes))
TORCH_INDEX = $(if $(NEEDS_CPU_TORCH),https://download.pytorch.org/whl/cpu)
# A study reads the data of an up-to-date pipeline. The report is rendered again if its results are new.
define RUN_STUDY
dvc repro
python -m studies.$(1).run
@python -m tools.collect_studies
dvc repro report
endef
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
# Else each process of the tests compiles for ten seconds, and each stage for a part of one.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: repro show test test-fast lint format review docs check-reproducible lock audit test-crash soak fuzz \
	reproduce-reference external-baselines ranking-peers rater-seeds experiments study-probe study-ablation bench setup clean help

repro: $(READY)  ## run what is stale, then print the results
	@python -m tools.prepare_repro
	dvc repro
	@python -m tools.summary

show: $(READY)  ## print the results
	@python -m tools.summary

# `python -m pytest FILE` uses one process.
test-fast: lint  ## run lint and the fast tests
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not pipeline and not slow"

# Four processes keep two cores busy, as the tests of the pipeline wait for DVC and for disks.
test: $(DEV_READY)  ## run all tests
	python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: $(DEV_READY)  ## run ruff, mypy and the import contracts
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo --no-cache

format: $(DEV_READY)  ## format the code
	ruff check --fix .
	ruff format .

setup: $(DEV_READY)  ## install everything in .venv, the tools of development too

external-baselines: $(READY)  ## fit models of other libraries on the data of the last run
	python -m pip install --quiet -r requirements-external-baselines.lock
	$(call RUN_STUDY,external_baselines)
	@python -m tools.summary external_baselines

ranking-peers: $(READY)  ## tune other rankers on validation, and compare them with the ranker
	python -m pip install --quiet -r requirements-external-baselines.lock
	$(call RUN_STUDY,ranking_peers)

study-probe: $(READY)  ## predict users' preferences from each set of movie embeddings
	$(call RUN_STUDY,probe)

study-ablation: $(READY)  ## train raters x embeddings x seeds; continues where it was stopped
	$(call RUN_STUDY,ablation)

# params.yaml stays as it is. Other data come with SET:
#   make reproduce-reference SET="-S data.source=tables -S data.catalog=/path/catalog.parquet -S data.ratings=/path/ratings.parquet"
reproduce-reference: $(READY)  ## run the reference system as an experiment; SET="-S key=value" overrides params
	python -m tools.reproduce_reference $(SET)

clean: $(READY)  ## ask, then remove .cache/, and from DVC's cache what no branch, tag or experiment has
	dvc gc --all-branches --all-tags --all-experiments
	rm -rf .timings .cache

rater-seeds: $(READY)  ## fit the rater with SEEDS seeds on the data of the last run; print mean and standard deviation
	@python -m tools.rater_seeds $(or $(SEEDS),5)

check-reproducible: $(READY)  ## run again and compare: nothing may have changed
	@dvc repro | tee -a /dev/stderr | grep -q "Data and pipelines are up to date" || \
	  { echo "a second dvc repro ran a stage"; exit 1; }
	python -m tools.check_reproducible

experiments: $(READY)  ## rank the experiments, those on equal test targets together
	@python -m tools.experiments

review: $(READY)  ## print what differs from BASE, on one screen: is the change more than chance?
	@python -m tools.pr_report $(BASE)

docs: $(READY)  ## build the site in site/; a warning is an error
	python -m pip install --quiet -r requirements-docs.lock
	NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict --quiet

test-crash: $(DEV_READY)  ## kill each stage KILLS times in three ways; the next run must write the same bytes
	python -m tests.pipeline.crashes $(or $(KILLS),2)

soak: $(DEV_READY)  ## run a small demo RUNS times with random params and kills
	python -m tests.pipeline.soak $(or $(RUNS),50)

fuzz: $(DEV_READY)  ## fuzz each reader for SECONDS, or with RUNS inputs that are the same each time
	python -m pip install --quiet -r requirements-fuzz.lock
	python -m tests.fuzz $(if $(RUNS),--runs $(RUNS),--seconds $(or $(SECONDS),600))

bench: $(DEV_READY)  ## time the stages against plain implementations; BENCH=full: at full size, with the pipeline
	python -m bench.run $(or $(BENCH),small)
	$(if $(filter full,$(BENCH)),python -m bench.repro --into full)
	$(if $(filter full,$(BENCH)),python -m bench.repro bench/million.yaml --into full)
	$(if $(filter full,$(BENCH)),python -m bench.repro bench/full.yaml --into full)
	$(if $(filter full,$(BENCH)),python -m bench.repro bench/full.yaml --rater gp --into full)

lock:  ## pin what pyproject.toml allows, with hashes; UPGRADE=1 also raises versions
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	.venv-lock/bin/python -m tools.lock .venv-lock/bin/uv $(if $(UPGRADE),--upgrade)
	rm -rf .venv-lock

# pip-audit asks an advisory service and writes the bill of materials (CycloneDX).
audit: $(READY)  ## compare the installed packages with the lock files, find known vulnerabilities, write sbom.cdx.json
	@python -m tools.audit
	@$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit
	@.venv-audit/bin/pip-audit --strict --disable-pip --no-deps -r requirements.lock \
	  --format cyclonedx-json --output sbom.cdx.json; status=$$?; rm -rf .venv-audit; exit $$status

help:  ## list all targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: name a newer one, such as make PYTHON=python3.12 repro"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.hashes
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --quiet --no-deps --extra-index-url $(TORCH_INDEX) \
	  $$(grep '^torch==' requirements.lock))
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(DEV_READY): $(READY) requirements-dev.lock
	$(BIN)/python -m pip install --quiet -r requirements-dev.lock
	touch $@
