# Run "make" for what there is.
GO ?= go

.DEFAULT_GOAL := help

help: ## say what the targets are
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the tool, bin/xengo
	$(GO) build -o bin/xengo ./toolchain/cmd/xengo

run: build ## boot the example web server on real Xen in QEMU, on http://localhost:8080
	cd test/examples && ../../bin/xengo run --publish 8080:8080 ./web

test: ## run the whole test run
	$(GO) vet ./...
	cd test/examples && $(GO) vet ./...
	cd test/guests && $(GO) vet ./...
	$(GO) test -timeout 40m ./...

test-long: ## the same with the tests that take hours
	XENGO_LONG=1 $(GO) test -timeout 4h ./...

toolchain: build ## build or refresh the patched Go, print its GOROOT
	@bin/xengo toolchain

clean: ## remove what build made, not the toolchain in the user's cache
	rm -rf bin

.PHONY: help build run test test-long toolchain clean
