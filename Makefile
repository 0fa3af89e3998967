# SPDX-License-Identifier: Apache-2.0
# The extension, as other extensions of PostgreSQL are built and installed. The work is CMake's.
#
#   make && sudo make install && make installcheck        PG_CONFIG=... chooses a server
#
# CMAKE_OPTIONS adds options of docs/operations.md. DESTDIR works as usual. The tool sjwt is built
# for installcheck and not installed: "cmake --install build/make" installs it as well.
PG_CONFIG ?= pg_config
BUILD ?= build/make
PG_REGRESS = $(dir $(shell $(PG_CONFIG) --pgxs))../../src/test/regress/pg_regress
REGRESS = $(sort $(basename $(notdir $(wildcard tests/regress/sql/*.sql))))
REGRESS_OPTS ?=
BUILT_TOOL = $(CURDIR)/$(BUILD)/jwt/tools/sjwt

all:
	cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
	    -DPG_CONFIG=$(shell command -v $(PG_CONFIG)) $(CMAKE_OPTIONS)
	cmake --build $(BUILD)

install: all
	cmake --install $(BUILD) --component extension
	cmake --install $(BUILD) --component fetch

# Against the server that runs: PGHOST, PGPORT and PGUSER name it, as for psql. Needs a superuser.
installcheck: export PGSJ_TESTS = $(CURDIR)/tests
installcheck: export SJWT = $(or $(wildcard $(BUILT_TOOL)),$(shell command -v sjwt))
installcheck:
	mkdir -p $(BUILD)
	$(PG_REGRESS) --inputdir=tests/regress --outputdir=$(BUILD) --bindir=$(shell $(PG_CONFIG) --bindir) \
	    --dbname=contrib_regression --encoding=UTF8 --no-locale $(REGRESS_OPTS) $(REGRESS)

clean:
	rm -rf $(BUILD)

.PHONY: all install installcheck clean
