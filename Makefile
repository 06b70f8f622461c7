# make repro   set everything up, run the pipeline, print the results
# make test    the tests
PYTHON ?= python3
VENV := .venv
BASE ?= main
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1

HASHED := .venv-lock/bin/uv pip compile --quiet --no-deps --no-annotate --no-header --generate-hashes --native-tls -

.PHONY: repro show test lint format review docs unchanged lock hashes audit crashes soak fuzz mend restore reference bench \
	peers probe ablation setup clean

repro: mend  ## run what is stale, then print the results
	@python -m tools.collect_studies
	dvc repro
	@python -m tools.summary

show: $(READY)  ## print the results
	@python -m tools.summary

peers: mend  ## fit the strong, slow models to compare with, on the data of the last run
	python -m pip install --quiet -r requirements-external-baselines.lock
	dvc repro studies/external_baselines/dvc.yaml
	@python -m tools.summary peers

# Two processes, one of which takes the pipeline's tests; `python -m pytest FILE` takes one.
test: $(READY)
	python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder

lint: $(READY)
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo --no-cache

format: $(READY)
	ruff check --fix .
	ruff format .

review: $(READY)  ## what differs from BASE, as a Markdown table for a review
	@python -m tools.pr_report $(BASE)

docs: $(READY)  ## the site, in site/; a warning fails
	python -m pip install --quiet -r requirements-docs.lock
	NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict --quiet

unchanged: $(READY)  ## run again: nothing may have changed
	@dvc repro | tee /dev/stderr | grep -q "Data and pipelines are up to date" || \
	  { echo "a second dvc repro found something to do"; exit 1; }
	python -m tools.check_reproducible

lock:  ## pin what pyproject.toml allows, in a new environment
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade pip
	.venv-lock/bin/python -m pip install --quiet torch==2.13.0
	.venv-lock/bin/python -m pip install --quiet '.[dev,pipeline]'
	{ echo '# Every package, exactly: made by `make lock`.'; \
	  .venv-lock/bin/python -m pip freeze --exclude reelgraph | sed 's/+cpu$$//'; } > requirements.lock
	.venv-lock/bin/python -m pip install --quiet '.[spark]'
	{ echo '# For engine.backend: spark, beside requirements.lock: made by `make lock`.'; \
	  .venv-lock/bin/python -m pip freeze | grep -E '^(pyspark|py4j)='; } > requirements-spark.lock
	.venv-lock/bin/python -m pip install --quiet '.[browser]'
	{ echo "# For the report's tests in Chromium, beside requirements.lock: made by \`make lock\`."; \
	  .venv-lock/bin/python -m pip freeze | grep -E '^(axe-playwright-python|greenlet|playwright)='; \
	} > requirements-browser.lock
	.venv-lock/bin/python -m pip install --quiet '.[external-baselines]'
	{ echo '# For studies/external_baselines, beside requirements.lock: made by `make lock`. cmfrec needs a C compiler.'; \
	  .venv-lock/bin/python -m pip freeze --all | grep -E '^(cmfrec|Cython|findblas|myfm|scikit-surprise|setuptools)='; } \
	  > requirements-external-baselines.lock
	.venv-lock/bin/python -m pip install --quiet '.[docs,onnx]'
	{ echo '# For the docs and the ONNX export, beside requirements.lock: made by `make lock`.'; \
	  .venv-lock/bin/python -m pip freeze | grep -vxFf requirements.lock | grep -vE '^(reelgraph|torch)' | \
	  grep -vxFf requirements-spark.lock | grep -vxFf requirements-browser.lock | grep -vxFf requirements-external-baselines.lock; \
	} > requirements-docs.lock
	rm -rf .venv-lock build *.egg-info

hashes: $(READY)  ## the sha256 of all files that the index has of what is pinned, but of torch, whose builds differ by index
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	{ echo '# Hashes of all files that the index has of what requirements.lock pins, but torch, whose builds differ by'; \
	  echo '# index: made by `make hashes`.'; grep -vE '^(torch=|\#)' requirements.lock | $(HASHED); } > requirements.hashes
	for lock in requirements-*.lock; do \
	  { grep '^#' $$lock; grep -oE '^[^ #]+==[^ ]+' $$lock | $(HASHED); } > .venv-lock/lock && cp .venv-lock/lock $$lock || exit 1; \
	done
	rm -rf .venv-lock

audit: $(READY)  ## installed packages against the lock files and their own records; an SBOM; known vulnerabilities
	@python -m tools.audit
	@$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit
	@.venv-audit/bin/pip-audit --strict --disable-pip --no-deps -r requirements.lock; found=$$?; rm -rf .venv-audit; exit $$found

crashes: $(READY)  ## kill each stage KILLS times in each of three ways; the next run must make the same bytes
	python -m tests.pipeline.crashes $(or $(KILLS),2)

soak: $(READY)  ## the small demo RUNS times over, with random params and kills
	python -m tests.pipeline.soak $(or $(RUNS),50)

fuzz: $(READY)  ## fuzz each reader for SECONDS, guided by coverage; or with RUNS inputs, the same each time
	python -m pip install --quiet -r requirements-fuzz.lock
	python -m tests.fuzz $(if $(RUNS),--runs $(RUNS),--seconds $(or $(SECONDS),600))

mend: $(READY)  ## keep what is whole of a dvc.lock that DVC was killed over while it wrote it
	@python -m tools.repair_lock

restore: mend  ## bring back the outputs that dvc.lock names
	dvc checkout --force dvc.yaml
	git checkout -- metrics plots

# The SPEC's settings, on whatever data params.yaml or SET names; params.yaml stays as it is:
#   make reproduce-reference SET="-S data.source=tables -S data.catalog=/abs/catalog.parquet -S data.ratings=/abs/ratings.parquet"
reference: $(READY)
	python -m tools.reference $(SET)

probe: mend  ## what each set of movie vectors tells of tastes
	dvc repro studies/probe/dvc.yaml

bench: $(READY)  ## measure the stages beside a plain re-implementation; BENCH=full: at the full size, and all of the pipeline
	python -m bench.run $(or $(BENCH),small)
	$(if $(filter full,$(BENCH)),python -m bench.repro bench/full.yaml --into full)
	$(if $(filter full,$(BENCH)),python -m bench.repro bench/full.yaml --rater gp --into full)

ablation: mend  ## raters x embeddings x controls x seeds; goes on where it was stopped
	dvc repro studies/ablation/dvc.yaml

setup: $(READY)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: name a newer one, such as make PYTHON=python3.12 repro"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.hashes
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

clean:  ## remove what the pipeline made, keep the cache
	rm -rf .timings .cache
	dvc gc --workspace --force
