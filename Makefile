# Run "make" for what there is.
GO ?= go

# Packages whose tests boot the bed: one at a time, beds share the processors.
BED := ./test/... ./toolchain/bed/... ./toolchain/cmd/xengo
# The others. The toolchain's tests are long and copy files: no race detector.
HOST = $(shell $(GO) list ./... | grep -v -e /test/ -e /toolchain/bed -e /toolchain/cmd/xengo -e /toolchain/goroot)

.DEFAULT_GOAL := help

help: ## say what the targets are
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the tool, bin/xengo
	$(GO) build -o bin/xengo ./toolchain/cmd/xengo

run: ## boot the example web server on real Xen in QEMU, on http://localhost:8080
	@GO='$(GO)' scripts/prerequisites run
	@$(MAKE) --no-print-directory build
	cd test/examples && ../../bin/xengo run --publish 8080:8080 ./web

test: vet ## run all tests but those that take hours: on this machine, then on Xen
	$(GO) test -race $(HOST)
	$(GO) test -timeout 30m ./toolchain/goroot
	$(GO) test -p 1 -timeout 50m $(BED)

test-long: vet ## the same with the tests that take hours, and the second version of Xen
	XENGO_LONG=1 $(GO) test -race -timeout 1h $(HOST)
	XENGO_LONG=1 $(GO) test -timeout 2h ./toolchain/goroot
	XENGO_LONG=1 $(GO) test -p 1 -timeout 6h $(BED)

test-std: vet ## run std's own tests on Xen and write the table bin/std.md; takes hours
	@mkdir -p bin && rm -f bin/std.md
	XENGO_STD=all XENGO_STD_TABLE=$(CURDIR)/bin/std.md $(GO) test -v -p 1 -timeout 24h ./test/std

test-modules: vet ## run popular modules' own tests on Xen and write the table bin/modules.md; takes an hour
	@mkdir -p bin && rm -f bin/modules.md
	XENGO_MODULES=all XENGO_MODULES_TABLE=$(CURDIR)/bin/modules.md $(GO) test -v -timeout 8h ./test/modules

bench: vet ## compare speeds with a Linux guest's, in instructions, and how both scale, in time, and write the table bin/bench.md; takes hours
	@mkdir -p bin && rm -f bin/bench.md
	XENGO_BENCH=all XENGO_VCPUS='1 2 4' XENGO_BENCH_TABLE=$(CURDIR)/bin/bench.md $(GO) test -v -timeout 24h -run 'TestSpeed|TestScaling|TestRootfs' ./test/bench

vet: ## check the sources, installing what tests need
	@GO='$(GO)' scripts/prerequisites test
	$(GO) vet ./...
	cd test/examples && $(GO) vet ./...
	cd test/guests && $(GO) vet ./...
	cd test/users && $(GO) vet ./...

toolchain: build ## build or refresh the patched Go, print its GOROOT
	@bin/xengo toolchain

clean: ## remove what build made, not what is in the user's cache
	rm -rf bin

.PHONY: help build run test test-long test-std test-modules bench vet toolchain clean
