# The two commands are `make run` and `make test`; both work on a fresh Debian 12.
# The build itself is Meson's (meson.build); the lines here only name what people do.
.DEFAULT_GOAL := help
.PHONY: run build test test-sanitized check fmt bench fuzz clean help
.NOTPARALLEL:

T ?=
E ?=
SECONDS ?= 10

run: ## install what is missing, build, start the example bank and candor (E=debt-management: another agent); Ctrl-C stops both
	@tools/deps run
	@tools/build build src/candor examples/bank/bank
	@tools/run build $(E)

build: ## everything, into build/
	@tools/deps run test
	@tools/build build

test: ## build and run the tests; T=word runs those whose name, suite or sentence has the word
	@tools/deps run test
	@tools/test build $(T)

test-sanitized: ## the same under AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan/
	@tools/deps run test
	@tools/test build-asan $(T)

check: ## read the structure: layers, doors, headers, words, docs, format, analysis, hardening
	@tools/deps run test check
	@tools/build build
	@tools/check build $(T)

fmt: ## lay out all C files as .clang-format says
	@tools/deps check
	@tools/check-format --fix

bench: ## what is measured, against what: docs/BENCHMARKS.md
	@tools/deps run test
	@tools/build build
	@bench/run build $(T)

fuzz: ## each fuzz target for SECONDS=10 on its corpus, with clang, in build-fuzz/
	@tools/deps run test check
	@tools/build build-fuzz fuzzers
	@tools/fuzz build-fuzz $(SECONDS) $(T)

clean: ## remove the build folders
	@rm -rf build build-asan build-fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' Makefile
