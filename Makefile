# Every target sets up what it needs in .venv, with the versions of constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXTRAS := espeak,japanese,ffmpeg

.PHONY: demo test test-browser pictures test-postgres check mini clean help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

demo: .venv/run.stamp ## the whole way on examples/songs, or: make demo SONGS=/path/to/music
	-@$(BIN)/angen --quiet models fetch musicnn >/dev/null
	$(BIN)/angen demo $(if $(SONGS),--songs "$(SONGS)") $(ARGS) || [ $$? = 3 ] # 3: its sentence says so

test: .venv/test.stamp ## install what tests need and pass them; some alone: make test ARGS="-n 0 tests/audio"
	-@for name in musicnn spleeter; do $(BIN)/angen --quiet --home .venv/home models fetch $$name; done >/dev/null
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-browser: .venv/test.stamp ## the studio in a real browser: Debian's chromium, or ANGEN_TEST_BROWSER
	$(BIN)/python -m pytest -n 2 --dist loadfile -m browser tests/browser $(ARGS)

pictures: test-browser ## the pictures of README and docs, from the steps of test-browser
	$(BIN)/python -m tests.browser.pictures

test-postgres: .venv/test.stamp ## of make test, what needs a PostgreSQL server (its own, on loopback): apt-get install postgresql
	ANGEN_TEST_POSTGRES=required $(BIN)/python -m pytest -m postgres tests/jobs $(ARGS)

check: .venv/test.stamp ## formatting, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

TWICE := OMP_NUM_THREADS=1 $(BIN)/python -m torch.distributed.run --standalone --nproc-per-node 2 -m

mini: .venv/test.stamp ## train the bundled model from nothing (hours; fluidsynth and its soundfont needed)
	$(BIN)/python -m mini.material
	$(BIN)/angen models fetch musicnn
	$(BIN)/python -m mini.recordings
	$(TWICE) mini.codec
	OMP_NUM_THREADS=1 $(BIN)/python -m mini.codec --sound --steps 2500 --batch 8 --rate 5e-4
	$(BIN)/python -m mini.heard
	$(TWICE) mini.style
	$(BIN)/python -m mini.latents
	$(TWICE) mini.dit
	$(BIN)/python -m mini.pack

clean: ## remove the virtual environment
	rm -rf .venv

.venv/made.stamp:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Python 3.11, 3.12 or 3.13 is needed, this is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.12 ..." if not (3, 11) <= v < (3, 14) else 0)'
	$(PYTHON) -m venv .venv
	touch $@

.venv/run.stamp: .venv/made.stamp pyproject.toml constraints.txt
	@echo "Installing Angen Studio into .venv (a few minutes the first time) ..."
	$(PIP) install -c constraints.txt -e ".[$(EXTRAS)]"
	touch $@

# All that tests and checks need, in one installation.
.venv/test.stamp: .venv/made.stamp pyproject.toml constraints.txt
	@echo "Installing Angen Studio and what its tests need into .venv (a few minutes the first time) ..."
	$(PIP) install -c constraints.txt -e ".[$(EXTRAS),stems,test,browser,postgres,lint]"
	touch .venv/run.stamp $@
