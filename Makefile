# A thin front for meson. `make demo` and `make check` do all set-up on a bare Debian 12.
BUILD ?= build
WERROR = $(if $(CI),-Dwerror=true)
PREFIX ?= /usr/local

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	scripts/deps
	meson setup $(BUILD) $(WERROR) --prefix=$(PREFIX)

build-asan/build.ninja:
	scripts/deps
	meson setup build-asan $(WERROR) -Dweb=false -Db_sanitize=address,undefined -Dbuildtype=debugoptimized

build-fuzz/build.ninja:
	scripts/deps
	CC=clang meson setup build-fuzz -Dfuzz=true -Dweb=false -Db_sanitize=address,undefined -Db_lundef=false \
		-Dbuildtype=debugoptimized -Dc_args=-fsanitize=fuzzer-no-link

# The bundled scenario at 1:20: a feed written, imported, counted and proved.
demo: all
	scripts/demo

# Every test: unit, fuzz corpora and integration, then units and corpora again under sanitizers.
check: all asan
	scripts/check

asan: build-asan/build.ninja
	ninja -C build-asan

# Every target from its corpus, FUZZ_SECONDS each, FUZZ_JOBS beside each other; what they find is left in build-fuzz/.
fuzz: build-fuzz/build.ninja
	ninja -C build-fuzz
	scripts/fuzz

# Every call that can fail, failing: all of them, not make check's sample.
faults: all
	EBB_FAULT_ALL=1 EBB=$(BUILD)/ebb EBB_SIM=$(BUILD)/ebb-sim EBB_RULES=rules EBB_FAULT=$(BUILD)/test/libfault.so \
		EBB_QUEUE_REPORTS=$(BUILD)/test/queue_reports python3 test/test_fault.py

# An hour (SOAK_SECONDS) of everything at once; memory, descriptors and counts at the end.
soak: all
	scripts/soak

# Beside its peers on one pinned core.
bench: all
	scripts/deps --bench
	scripts/bench

# Programs, rules, manual, completion, units with user and folders, dashboard and alerts, documentation, bill of materials.
# The prefix is one of the build: `make PREFIX=/usr`, or `meson configure build -Dprefix=/usr`.
install: all
	meson install -C $(BUILD) $(if $(DESTDIR),--destdir $(DESTDIR))

# What the last `make install` put there, as its log says.
uninstall:
	ninja -C $(BUILD) uninstall

# The Debian package, in dist-deb/.
package:
	scripts/deps --package
	scripts/dist-deb --build

# It on a bare Debian: installed, served, upgraded, removed. Wants root.
package-check: package
	lintian -i -I --pedantic --fail-on error,warning dist-deb/*.changes
	scripts/chroot-test --debs dist-deb

# It built once more elsewhere, compared bit for bit.
reproduce:
	scripts/deps --package
	scripts/reproduce

clean:
	rm -rf build build-asan build-fuzz demo dist-deb

.PHONY: all demo check asan fuzz faults soak bench install uninstall package package-check reproduce clean
