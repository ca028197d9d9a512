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
MINUTES ?= 5
TRAIN_FLAGS ?=
TORCH ?=
VALID ?=
SEED ?= 0
MODELS ?=

BIN = $(VENV)/bin
RECORDS = $(WORKDIR)/records
LOGDIR = $(WORKDIR)/train
EVALUATION = $(WORKDIR)/evaluation
INSTALLED = $(VENV)/installed
# The user's own variables, for the commands that are printed to go on with.
GIVEN = $(filter-out STEPS=%,$(MAKEOVERRIDES))
SELECTION = --logdir=$(LOGDIR) --records=$(RECORDS) --output=$(EVALUATION) --qualities=$(QUALITIES)

.DEFAULT_GOAL := help
.PHONY: help install demo records train pretrained evaluate compare tensorboard test test-slow lint typecheck bench \
  bench-compiling bench-equal-time bench-expectation bench-faithful bench-jpeg bench-kills bench-kodak bench-networks \
  bench-pipeline bench-quality bench-records bench-replicas bench-restore bench-train fuzz clean

help: ## list these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 20
	@echo "Variables: IMAGES=FOLDER SOURCE=kodak QUALITIES=10,20 MODEL=NAME WIDTH=K STEPS=N WORKDIR=DIR"

install: $(INSTALLED) ## create the virtual environment with all dependencies, pinned

$(INSTALLED): setup.cfg pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || \
	  { echo "deblock needs Python 3.10 to 3.12: make PYTHON=python3.11 ..."; exit 1; }
	@echo "installing into $(VENV) (TensorFlow and Beam are large: some minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --constraint .ci/constraints.txt \
	  --editable '.[test]'
	@touch $@

demo: $(INSTALLED) ## restore sample photographs with the weights that ship: picture and report
	@$(BIN)/deblock-demo --output=$(WORKDIR)/demo

records: $(INSTALLED) ## shard the images into TFRecords
	@$(BIN)/deblock-records --records=$(RECORDS) --images='$(IMAGES)' --source='$(SOURCE)' \
	  --qualities=$(QUALITIES) $(RECORDS_FLAGS)

train: records ## train, evaluate on held-out images and draw a picture
	@$(BIN)/deblock-train --records=$(RECORDS) --logdir=$(LOGDIR) --model=$(MODEL) \
	  --width=$(WIDTH) --max_steps=$(STEPS) $(TRAIN_FLAGS)
	@$(MAKE) --no-print-directory --silent evaluate compare
	@echo
	@echo "pictures:    $(EVALUATION)/*.png"
	@echo "report:      $(EVALUATION)/report.html"
	@echo "checkpoint:  $(LOGDIR)/checkpoints"
	@echo "TensorBoard: $(LOGDIR)"
	@echo "go on with:  make train $(GIVEN) STEPS=$$((5 * $(STEPS)))"
	@echo "and look at: make tensorboard $(GIVEN)"

# NAME is default or fast. A GPU is needed for a result like that of the weights that ship.
pretrained: records ## train the weights that ship anew (IMAGES=FOLDER, NAME=default)
	@$(BIN)/deblock-train --flagfile=launch/recipes/$(NAME).flags --records=$(RECORDS) \
	  --logdir=$(WORKDIR)/$(NAME) $(TRAIN_FLAGS)
	@$(BIN)/deblock-export-weights --logdir=$(WORKDIR)/$(NAME) --name=$(NAME) \
	  --output=$(WORKDIR)/weights

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

lint: $(INSTALLED) ## style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# The checker does not see through the editable install, so it is shown the folders as a package.
typecheck: $(INSTALLED) ## static types
	@mkdir -p build/ns/deblock
	@for part in records pipeline model launch; do \
	  ln -sfn ../../../$$part build/ns/deblock/$$part; done
	@$(BIN)/mypy build/ns/deblock

bench: records ## measure the input pipeline, training and restoring
	@$(BIN)/python tests/bench/loading.py $(RECORDS)
	@$(BIN)/python tests/bench/trimming.py
	@$(BIN)/python tests/bench/restoring.py

# FULL names the logdir of a run of the recipe's ten epochs, if there is one, to measure beside them.
bench-kodak: $(INSTALLED) ## the Kodak network and ours, MINUTES of training each (IMAGES=KODAK)
	@$(BIN)/python tests/bench/kodak.py --workdir=$(WORKDIR)/bench-kodak --minutes=$(MINUTES) \
	  $(if $(IMAGES),--images='$(IMAGES)',--source=kodak) $(if $(FULL),--full='$(FULL)')

# PARTS picks some of: throughput workers memory growth planning encodings.
bench-records: $(INSTALLED) ## the writer of records: speed, memory, growth, and 20 kills (35 min)
	@$(BIN)/python tests/bench/writing.py $(WORKDIR)/bench-records $(PARTS)
	@$(BIN)/python tests/bench/killing.py $(WORKDIR)/bench-records

bench-kills: $(INSTALLED) ## 20 kills of a training run, and what a checkpoint costs (5 min)
	@$(BIN)/python tests/bench/interrupting.py $(WORKDIR)/bench-kills

bench-compiling: $(INSTALLED) ## training steps with and without XLA (10 min)
	@$(BIN)/python tests/bench/compiling.py $(PARTS)

bench-faithful: $(INSTALLED) ## what staying inside the quantisation cells gains (IMAGES=FOLDER of PNG)
	@$(BIN)/python tests/bench/faithful.py '$(IMAGES)'

bench-expectation: $(INSTALLED) ## what going to the expectation inside the cells gains (IMAGES)
	@$(BIN)/python tests/bench/expectation.py '$(IMAGES)'

bench-replicas: $(INSTALLED) ## what two replicas cost against one device of the same batch (3 min)
	@$(BIN)/python tests/bench/replicas.py

bench-jpeg: $(INSTALLED) ## JPEG as tensor operations against libjpeg (IMAGES=FOLDER of PNG files)
	@$(BIN)/python tests/bench/jpegsim.py '$(IMAGES)'

# PARTS picks some of: crops pairs scaling starving.
bench-pipeline: $(INSTALLED) ## the input pipeline against other loaders, and beside training (20 min)
	@$(BIN)/python tests/bench/pipeline.py $(WORKDIR)/bench-pipeline $(PARTS) \
	  $(if $(IMAGES),--images='$(IMAGES)')

# TORCH names a Python interpreter that has PyTorch; without it our side is measured alone.
bench-networks: $(INSTALLED) ## speed, memory and size of every network, PyTorch beside two (TORCH=PYTHON)
	@$(BIN)/python tests/bench/networks.py --torch='$(TORCH)'

# PARTS picks some of: steps overhead memory.
bench-train: $(INSTALLED) ## training steps against PyTorch, and what our loop adds (TORCH=PYTHON)
	@$(BIN)/python tests/bench/training.py $(WORKDIR)/bench-train $(PARTS) --torch='$(TORCH)'

# MODELS picks some of the rows; finished ones are not trained again.
bench-equal-time: $(INSTALLED) ## networks trained for the same CPU-minutes (MINUTES, IMAGES, VALID, SEED)
	@$(BIN)/python tests/bench/equal_time.py --workdir=$(WORKDIR)/equal-time --images='$(IMAGES)' \
	  --valid='$(VALID)' --minutes=$(MINUTES) --seed=$(SEED) $(if $(MODELS),--models='$(MODELS)') \
	  $(if $(COUNT),--count=$(COUNT)) $(if $(LOSS),--loss=$(LOSS))

# PARTS picks some of: fidelity speed memory peers. TORCH names a Python that has PyTorch, for peers.
bench-restore: $(INSTALLED) ## restoring: fidelity, speed, memory up to 100 megapixels, a peer (40 min)
	@$(BIN)/python tests/bench/restore.py $(PARTS) $(if $(IMAGES),--images='$(IMAGES)') \
	  $(if $(COUNT),--count=$(COUNT)) $(if $(TORCH),--torch='$(TORCH)')

# PARTS picks some of: rivals damages. ENSEMBLE=1 adds the mean of eight positions.
bench-quality: $(INSTALLED) ## what the weights that ship gain, beside filters and by kind of damage
	@$(BIN)/python tests/bench/quality.py $(PARTS) $(if $(IMAGES),--images='$(IMAGES)') \
	  $(if $(COUNT),--count=$(COUNT)) $(if $(ENSEMBLE),--ensemble)

# SEED makes other files; COUNT is 20000 unless said.
fuzz: $(INSTALLED) ## restore damaged files by the thousand: no crash, no hang, nothing left behind
	@$(BIN)/python tests/bench/fuzzing.py $(if $(COUNT),--count=$(COUNT)) $(if $(SEED),--seed=$(SEED))

clean: ## remove the virtual environment, caches and builds; runs stay
	@rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache
