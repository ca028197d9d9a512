# Everything a user types. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
WORKDIR ?= runs/quickstart
IMAGES ?=
SOURCE ?=
QUALITIES ?= 25
RECORDS_FLAGS ?=
MODEL ?= blockcnn
NAME ?= default
WIDTH ?= 16
STEPS ?= 800
TRAIN_FLAGS ?=

BIN = $(VENV)/bin
RECORDS = $(WORKDIR)/records
LOGDIR = $(WORKDIR)/train
EVALUATION = $(WORKDIR)/evaluation
# 1 where an NVIDIA driver is found, for TensorFlow with its CUDA libraries; CUDA=0 leaves them out.
CUDA ?= $(if $(or $(wildcard /proc/driver/nvidia/version),$(shell command -v nvidia-smi)),1,0)
INSTALLED = $(VENV)/installed$(if $(filter 1,$(CUDA)),-cuda)
LOCK = .ci/requirements$(if $(filter 1,$(CUDA)),-cuda).txt
# `install` leaves it to the first import to compile a module: without this, every process would do it
# again where the variable is set.
unexport PYTHONDONTWRITEBYTECODE
# The user's own variables, for the commands that `train` prints at its end.
GIVEN = $(filter-out STEPS=%,$(MAKEOVERRIDES))
SELECTION = --logdir=$(LOGDIR) --records=$(RECORDS) --output=$(EVALUATION) --qualities=$(QUALITIES)

.DEFAULT_GOAL := help
.PHONY: help install demo records train pretrained evaluate compare tensorboard test test-slow golden \
  long-run long-run-state accelerate accelerated lint typecheck bench fuzz clean

help:
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 20
	@echo "Variables: IMAGES=FOLDER SOURCE=kodak QUALITIES=10,20 MODEL=NAME WIDTH=K STEPS=N WORKDIR=DIR"

install: $(INSTALLED) ## create the virtual environment with all dependencies, pinned

# Every file that is downloaded has its hash in a lock. uv takes a third of pip's CPU-time, and leaves
# it to the first import to compile a module. It does not read pip's settings, such as a mirror: where
# it fails, pip installs the same files.
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile
UV_INSTALL = $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python
LOCKED = --require-hashes --no-build-isolation --requirement $(LOCK)

$(INSTALLED): setup.cfg pyproject.toml $(LOCK) .ci/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || \
	  { echo "deblock needs Python 3.10 to 3.12: make PYTHON=python3.11 ..."; exit 1; }
	@echo "installing into $(VENV)$(if $(filter 1,$(CUDA)), with CUDA) (TensorFlow and Beam are large:" \
	  "some minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --require-hashes --requirement .ci/build.txt
	@$(UV_INSTALL) $(LOCKED) || { echo "uv failed, so pip installs ..."; $(PIP_INSTALL) $(LOCKED); }
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## restore sample photographs with pretrained weights: picture and report
	@$(BIN)/deblock-demo --output=$(WORKDIR)/demo

records: $(INSTALLED) ## shard the images into TFRecords
	@$(BIN)/deblock-records --records=$(RECORDS) --images='$(IMAGES)' --source='$(SOURCE)' \
	  --qualities=$(QUALITIES) $(RECORDS_FLAGS)

train: records ## train, evaluate on held-out images and draw a picture
	@$(BIN)/deblock-train --records=$(RECORDS) --logdir=$(LOGDIR) --model=$(MODEL) \
	  --width=$(WIDTH) --max_steps=$(STEPS) --evaluate_every_steps=100 --evaluation_tiles=1 \
	  $(TRAIN_FLAGS)
	@$(MAKE) --no-print-directory --silent evaluate compare
	@echo
	@echo "pictures:    $(EVALUATION)/*.png"
	@echo "report:      $(EVALUATION)/report.html"
	@echo "checkpoint:  $(LOGDIR)/checkpoints"
	@echo "TensorBoard: $(LOGDIR)"
	@echo "more steps:  make train $(GIVEN) STEPS=$$((5 * $(STEPS)))"
	@echo "curves:      make tensorboard $(GIVEN)"

# NAME is default or fast. Without a GPU this takes days.
pretrained: records ## train the pretrained weights again (IMAGES=FOLDER, NAME=default)
	@$(BIN)/deblock-train --flagfile=launch/recipes/$(NAME).flags --records=$(RECORDS) \
	  --logdir=$(WORKDIR)/$(NAME) $(TRAIN_FLAGS)
	@$(BIN)/deblock-export-weights --logdir=$(WORKDIR)/$(NAME) --name=$(NAME) \
	  --output=$(WORKDIR)/weights

# A run of days, on any machine: docs/long_runs/NAME holds its flags, its curve and its newest state.
LONG_RUN = docs/long_runs/$(NAME)
LONG_LOGDIR = $(WORKDIR)/long/$(NAME)

# Resumes it in WORKDIR.
long-run: $(INSTALLED)
	@test -d $(LONG_LOGDIR) || { mkdir -p $(WORKDIR)/long && cp -R $(LONG_RUN) $(LONG_LOGDIR); }
	@$(BIN)/deblock-train --flagfile=$(LONG_RUN)/run.flags --records=$(RECORDS) \
	  --logdir=$(LONG_LOGDIR) $(TRAIN_FLAGS)

# Copies its newest checkpoint from WORKDIR, to be committed. A checkpoint names the folders of its run:
# choose a WORKDIR below this folder.
long-run-state:
	@newest=$$(sed -n 's/^model_checkpoint_path: "\(.*\)"/\1/p' $(LONG_LOGDIR)/checkpoints/checkpoint) && \
	rm -rf $(LONG_RUN)/checkpoints && mkdir -p $(LONG_RUN)/checkpoints && \
	cp $(LONG_LOGDIR)/checkpoints/$$newest.* $(LONG_RUN)/checkpoints && \
	cp $(LONG_LOGDIR)/run.json $(LONG_LOGDIR)/metrics.jsonl $(LONG_RUN) && \
	echo "$(LONG_RUN): $$newest"

# On an accelerator elsewhere (docs/training.md). The second takes what came back in RUN.
ACCELERATED = $(WORKDIR)/accelerate/$(NAME)
ACCELERATED_MODEL = $(if $(filter fast,$(NAME)),deblocknet_fast,deblocknet)

accelerate: $(INSTALLED)
	@$(BIN)/deblock-export-step --model=$(ACCELERATED_MODEL) --init_from=$(NAME) --late_crop_size=256 \
	  --images='$(IMAGES)' --output=$(ACCELERATED)
	@du -sh $(ACCELERATED)
	@echo "carry it, and run there:"
	@echo "  python3 $(ACCELERATED)/run_exported.py --programs=$(ACCELERATED) --output=RUN" \
	  "--minutes=8 --learning_rate=1e-3"
	@echo "resume: carry RUN too, and give the minutes of both times together"
	@echo "weights of what came back: make accelerated NAME=$(NAME) RUN=RUN"

accelerated: $(INSTALLED)
	@$(BIN)/deblock-export-weights --logdir=$(RUN) --name=$(NAME) --output=$(WORKDIR)/weights

evaluate: $(EVALUATION)/evaluation.json ## PSNR and SSIM of the held-out images

$(EVALUATION)/evaluation.json: $(LOGDIR)/checkpoints/checkpoint
	@$(BIN)/deblock-evaluate $(SELECTION)

compare: $(EVALUATION)/pictures ## side-by-side pictures and a report of the held-out images

$(EVALUATION)/pictures: $(LOGDIR)/checkpoints/checkpoint
	@$(BIN)/deblock-compare $(SELECTION)
	@touch $@

$(LOGDIR)/checkpoints/checkpoint:
	@echo "$(LOGDIR) holds no checkpoint: run 'make train WORKDIR=$(WORKDIR)' first." >&2; exit 1

tensorboard: $(INSTALLED) ## show the training log in a browser
	@$(BIN)/tensorboard --logdir=$(LOGDIR)

# The tests of a file share its fixtures, so they run in one process. Files start in order: some of
# the first take longest.
PYTEST = $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile \
  --no-loadscope-reorder

test: lint typecheck ## lint, types and all tests that are not slow
	@$(PYTEST) -m 'not slow'

test-slow: $(INSTALLED) ## the slow tests: worker processes, several hosts, kills, whole programs
	@$(PYTEST) -m slow

# Pins again what setup.cfg asks for, with the hashes of all files. UPGRADE=1 takes newer versions.
UV_COMPILE = $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.10 \
  --generate-hashes --no-annotate --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

lock:
	@$(UV_COMPILE) setup.cfg --extra test --output-file .ci/requirements.txt
	@$(UV_COMPILE) setup.cfg --extra test --extra cuda --constraint .ci/requirements.txt \
	  --output-file .ci/requirements-cuda.txt
	@$(UV_COMPILE) setup.cfg --constraint .ci/requirements.txt --output-file .ci/requirements-base.txt
	@printf 'setuptools\nuv\nwheel\n' | \
	  $(UV_COMPILE) - --constraint .ci/requirements.txt --output-file .ci/build.txt

# Lists what `pip install deblock` brings, in CycloneDX: build/deblock.cdx.json.
sbom: $(INSTALLED)
	@$(PYTHON) -m venv --clear --without-pip build/base
	@$(BIN)/uv pip install --quiet --system-certs --python build/base/bin/python --require-hashes \
	  --requirement .ci/requirements-base.txt
	@$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --no-build-isolation \
	  --wheel-dir build/base .
	@$(BIN)/uv pip install --quiet --python build/base/bin/python --no-deps build/base/*.whl
	@$(BIN)/cyclonedx-py environment --output-reproducible --output-file build/deblock.cdx.json \
	  build/base/bin/python
	@rm -r build/base build/lib build/bdist.*
	@echo "bill of materials: build/deblock.cdx.json"

# Writes the golden images of the tests again: look at each one before you commit it.
golden: $(INSTALLED)
	@$(BIN)/python -m pytest --quiet --golden -k looks tests/launch/pictures tests/launch/pipeline_report

lint: $(INSTALLED) ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# mypy does not follow the editable install: links show it the folders as one package.
typecheck: $(INSTALLED) ## static types
	@mkdir -p build/ns/deblock
	@ln -sfn ../../../launch/library/__init__.py build/ns/deblock/__init__.py
	@for part in records pipeline model launch; do \
	  ln -sfn ../../../$$part build/ns/deblock/$$part; done
	@$(BIN)/mypy build/ns/deblock

# tests/bench/__main__.py lists the parts and the variables that each takes.
BENCH_VARIABLES = WORKDIR SUB IMAGES VALID COUNT MINUTES SEED MODELS LOSS FULL ENSEMBLE TORCH \
  REVISION BESIDE CROP RATE THREADS

bench: $(INSTALLED) ## measure PART=records, pipeline, training, ...; without PART, the list
	@$(BIN)/python tests/bench $(PART) $(if $(PART),$(foreach \
	  name,$(BENCH_VARIABLES),$(if $($(name)),$(name)='$($(name))')))

# SEED makes other files; COUNT is 20000 by default.
fuzz: $(INSTALLED) ## restore damaged files by the thousand: no crash, hang or leftover file
	@$(BIN)/python tests/bench/fuzzing.py $(if $(COUNT),--count=$(COUNT)) $(if $(SEED),--seed=$(SEED))

clean: ## remove the virtual environment, caches and builds; runs stay
	@rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache
