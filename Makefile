# SPDX-License-Identifier: Apache-2.0
# The door to the build: each target installs what it lacks, says so, and calls meson.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
MESON_ARGS ?=
SECONDS_EACH ?= 60
CUTS ?= 24

.DEFAULT_GOAL := build
.PHONY: help build demo test soak bench fuzz lint lab install uninstall clean

help:
	@echo "make build      build/passthru"
	@echo "make demo       the whole story, in an emulated server on this machine"
	@echo "make test       every test, with gcc and clang, with and without sanitizers, and the lab"
	@echo "make soak       attach, reserve, release killed at every place, the power cut at CUTS=24 of them, in the emulated server (2 hours; STORIES=kill-attach: only that)"
	@echo "make bench      timings, paired with the peers"
	@echo "make fuzz       the parsers, SECONDS_EACH=60 each"
	@echo "make lint       layout, suspicious code, which room knows which"
	@echo "make lab        a shell in the emulated server (lab/lab --help for more)"
	@echo "make install    to PREFIX ($(PREFIX)); make uninstall takes it away again"
	@echo "                to /usr or /usr/local with units, initramfs hooks and libvirt's hook (MESON_ARGS=-Dboot=no: without)"

$(BUILD)/build.ninja:
	@tools/install-deps build
	@meson setup $(BUILD) --prefix $(PREFIX) $(MESON_ARGS) >/dev/null || { meson setup $(BUILD) --prefix $(PREFIX) $(MESON_ARGS); exit 1; }

# a source file that came or went changes its folder's time: the lists of sources are then read again
build: $(BUILD)/build.ninja
	@[ -z "$$(find src tests docs -type d -newer $(BUILD)/build.ninja)" ] || meson setup --reconfigure $(BUILD) >/dev/null
	@ninja -C $(BUILD) -j $(JOBS) --quiet

demo:
	@tools/install-deps build lab
	@$(MAKE) --no-print-directory build
	@tools/demo $(BUILD)

test:
	@tools/run-tests

soak:
	@tools/install-deps build test lab
	@$(MAKE) --no-print-directory build
	@tools/soak $(BUILD) $(CUTS) $(STORIES)

bench:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory build
	@tools/run-bench $(BUILD)

fuzz:
	@tools/install-deps build test
	@tools/run-fuzz $(SECONDS_EACH)

lint:
	@tools/install-deps build lint
	@$(MAKE) --no-print-directory build
	@tools/lint $(BUILD)

lab:
	@tools/install-deps build lab
	@$(MAKE) --no-print-directory build
	@lab/lab shell

install: build
	@meson install -C $(BUILD) --no-rebuild

uninstall:
	@ninja -C $(BUILD) uninstall

clean:
	rm -rf build build-san
