# Everything a fresh machine with only Python needs: `make demo`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-full lint format docs screens bench clean

.venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: .venv
	$(BIN)/phr demo

test: .venv
	$(BIN)/python -m pytest -n auto --dist loadfile -m 'not full'

test-full: .venv
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: .venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv
	$(BIN)/python docs/generate.py

screens: .venv
	$(BIN)/python docs/screens.py

bench: .venv
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
