# run: the main job on the packed sample · test: everything the project can prove on this machine
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never
# Compiled modules are kept whatever the caller's shell says: every test worker and every process that a test
# starts would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run serve test test-clock integration faults record setup lint bench manifests platforms tables lock newest lowest clients tools clean
run: $(VENV)/.ready
	$(BIN)/botnet-playbook run --config playbook/sample/sample.toml --dry-run --report report

# everything on one machine over the sample: http://127.0.0.1:8080, its record in state/
serve: $(VENV)/.ready
	$(BIN)/botnet-playbook serve --config playbook/sample/serve.toml $(ARGS)

# what needs root, Debian packages, a browser or the public captures is left to `make integration`
APART := integration or browser or postgres or faults or real_data
test: $(VENV)/.tests
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not ($(APART))"
	@echo "left out, for make integration: real products in namespaces, a browser, PostgreSQL, killed processes, public captures"

# the same at other dates, in other zones and in random order: all of them, or ARGS='--turn N' for one
test-clock: $(VENV)/.tests
	$(BIN)/python -m tests.support.moments $(ARGS)

integration: $(VENV)/.tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "$(APART)" -rs

# every fault on SQLite and PostgreSQL, about half an hour; cut off, it goes on where it stopped
faults: $(VENV)/.tests
	$(BIN)/python -m tests.faults $(ARGS)

# ARGS chooses: make record ARGS='-k whois'; a real tenant where its variables are set, else the emulators
record: $(VENV)/.tests
	$(BIN)/python -m pytest --record tests/connectors $(ARGS)

# independent clients of the products whose evidence we read, against our emulators, in an environment of their own
CLIENTS := veeam-br pynetbox pysnc python-gitlab PyGithub python-jenkins pymisp taxii2-client
clients: $(VENV)/.tests
	$(PYTHON) -m venv $(VENV)-clients
	$(VENV)-clients/bin/python -m pip install -q --disable-pip-version-check $(CLIENTS)
	$(VENV)-clients/bin/python -m scripts.evidence_clients_check

# checkers of other makers that tests of manifests/ run: their versions would not go with ours
tools: .tools/.ready
.tools/.ready: $(VENV)/.ready scripts/install_tools.sh
	scripts/install_tools.sh $(BIN)/uv .tools
	touch $@

# the vendors' own checkers over the packages, about 100 MB a checker; ARGS='xsoar' runs one
platforms: .tools/platforms/.ready
	$(BIN)/python scripts/check_platforms.py .tools/platforms $(ARGS)
.tools/platforms/.ready: $(VENV)/.ready scripts/install_platform_tools.sh
	scripts/install_platform_tools.sh $(BIN)/uv .tools/platforms
	touch $@

setup: $(VENV)/.tests

lint: $(VENV)/.tests
	$(BIN)/ruff check playbook connectors tests scripts bench
	$(BIN)/ruff format --check playbook connectors tests scripts bench
	$(BIN)/lint-imports
	$(BIN)/mypy
	@mkdir -p build && $(BIN)/python scripts/plug_in_contracts.py > build/plug_in_contracts.py
	$(BIN)/mypy build/plug_in_contracts.py

# what is made from the catalogue of actions; the tests fail when it is not made again
manifests: $(VENV)/.ready
	$(BIN)/botnet-playbook manifests write
	$(BIN)/botnet-playbook actions --markdown > docs/actions.md
	$(BIN)/python -m scripts.configuration_page > docs/configuration.md

bench: $(VENV)/.tests
	$(BIN)/python -m bench

# the embedded reference data, made again from the newest packages (docs/reference-data.md)
tables: $(VENV)/.ready
	$(BIN)/python scripts/build_asn_table.py
	$(BIN)/python scripts/build_list_table.py

# the versions that `make run` and `make test` use
lock: $(VENV)/.tests
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile -q --universal --no-emit-index-url --no-annotate \
	  --python-version 3.11 --extra test setup.cfg -o constraints.txt

# a user's installation with the lowest and with the newest versions that setup.cfg admits: the sample's run, and a page
lowest: $(VENV)/.ready
	$(BIN)/python scripts/smoke_install.py --resolution lowest-direct

newest: $(VENV)/.ready
	$(BIN)/python scripts/smoke_install.py --resolution highest

$(VENV)/.ready: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e '.[all]'
	touch $@

# what only the tests need (an embedded ClickHouse among it, some 750 MB) is no matter of `make run`
$(VENV)/.tests: $(VENV)/.ready
	$(BIN)/uv pip install -q -p $(BIN)/python -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) report build dist *.egg-info
