# `make help` lists the targets. Everything made here goes into .build and demo, which git
# ignores; the package is installed into .build/library, never into the user's library.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

R ?= R
# With the site's profile, which may name a mirror, but not the user's.
RSCRIPT := $(R)script --no-save --no-restore --no-init-file
JOBS ?= 2

BUILD := .build
LIBRARY := $(CURDIR)/$(BUILD)/library
override R_LIBS := $(LIBRARY)$(if $(R_LIBS),:$(R_LIBS))
export R_LIBS
INSTALLED := $(BUILD)/installed.stamp

C_CORE := $(wildcard src/core/*/*.c)
H_CORE := $(wildcard src/core/*/*.h)
C_TESTS := $(notdir $(basename $(wildcard tests/core/test_*.c)))
C_FLAGS := -std=gnu11 -g -Wall -Wextra
PACKAGE := DESCRIPTION NAMESPACE $(wildcard R/*.R man/*.Rd inst/* inst/*/*) \
           $(wildcard src/*.c src/*.h src/Makevars*) $(C_CORE) $(H_CORE)

# Machine-dependent settings, unless the target needs none.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),help)),)
-include $(BUILD)/config.mk
endif
$(BUILD)/config.mk: tools/config.sh
	@mkdir -p $(BUILD)
	@R='$(R)' tools/config.sh > $@.new && mv $@.new $@

## demo: install, simulate, fit, and write figures into demo/
.PHONY: demo
demo: $(INSTALLED)
	@$(RSCRIPT) tools/demo.R

## test: install what is missing, and run all tests of R and C
.PHONY: test
test: $(INSTALLED) setup-test core-release
	@$(RSCRIPT) tools/run-tests.R --core=$(BUILD)/core-release --r

## test-core: the tests of the C core alone
.PHONY: test-core
test-core: core-release
	@$(RSCRIPT) tools/run-tests.R --core=$(BUILD)/core-release

## sanitize: the same under AddressSanitizer and UBSan, once for each kernel table
.PHONY: sanitize
ifeq ($(SANITIZE),)
sanitize: $(BUILD)/config.mk
	@echo "skipped: the compiler has no AddressSanitizer and UBSan"
	@echo "0 passed, 0 failed, 1 skipped"
else
sanitize: core-sanitize
	@$(RSCRIPT) tools/run-tests.R --core=$(BUILD)/core-sanitize --each-kernel
endif

## test-current: all tests and the check with R 4.5 and Seurat 5, in a tree of Debian
.PHONY: test-current
test-current:
	@tools/test-current.sh

## package: the source package with its guides, .build/vgfm_VERSION.tar.gz
.PHONY: package
package: setup-test
	@R='$(R)' JOBS=$(JOBS) tools/build.sh

## check: R CMD check --as-cran on that; what cran-comments.md does not list fails
.PHONY: check
check: setup-test
	@R='$(R)' JOBS=$(JOBS) tools/check.sh

## bench: run the benchmarks, and write bench/RESULTS.md
BENCHMARKS := training transport pancreas accuracy ablation growth scale
.PHONY: bench
bench: $(INSTALLED) setup-bench
	@set -e; for name in $(BENCHMARKS) results; do \
	  echo "== $$name"; $(RSCRIPT) bench/$$name.R; done
	@$(RSCRIPT) tools/readme.R

## readme: README.md from README.Rmd and the tables of the benchmarks
.PHONY: readme
readme: setup-test
	@$(RSCRIPT) tools/readme.R

## tables: run the benchmarks that README and the vignettes quote, and write README.md
.PHONY: tables
tables: $(INSTALLED) setup-test
	@set -e; for name in accuracy ablation results; do \
	  echo "== $$name"; $(RSCRIPT) bench/$$name.R; done
	@$(RSCRIPT) tools/readme.R

## paper: the paper's table and panels by all methods, and speed beside the published
.PHONY: paper
paper: $(INSTALLED) setup-test
	@set -e; for name in "paper.R workers=2" paper-speed.R results.R; do \
	  echo "== $$name"; $(RSCRIPT) bench/$$name; done

## lint: rules of the tree and the documents; compiler warnings are errors
.PHONY: lint
lint: $(BUILD)/config.mk
	@tools/check-tree.sh
	@$(RSCRIPT) tools/check-docs.R
	@set -e; for file in $(C_CORE); do \
	  $(CORE_CC) $(C_FLAGS) -Werror -Wshadow -Wvla -O2 $(OPENMP) -Isrc/core \
	    -fsyntax-only $$file; done

## objects: list the C files there are in src/Makevars
.PHONY: objects
objects:
	@sed '/^OBJECTS/,$$d' src/Makevars > src/Makevars.new
	@printf 'OBJECTS =' >> src/Makevars.new
	@cd src && LC_ALL=C; for file in *.c core/*/*.c; do \
	  printf ' \\\n    %s.o' "$${file%.c}"; done >> Makevars.new; echo >> Makevars.new
	@mv src/Makevars.new src/Makevars

## man: NAMESPACE and man/ from the comments in R/
.PHONY: man
man: setup-man
	@$(RSCRIPT) tools/man.R

## docs: the same, then help pages and vignettes as a site in .build/site
.PHONY: docs
docs: man setup-site
	@$(MAKE) --no-print-directory install
	@$(RSCRIPT) tools/site.R

## install: build the package into .build/library, without its guides
.PHONY: install
install: $(INSTALLED)

## clean: remove everything that was made
.PHONY: clean
clean:
	rm -rf $(BUILD) demo
	rm -f src/*.o src/core/*/*.o src/*.so

.PHONY: help
help:
	@echo "Targets:"; sed -n 's/^## \([a-z-]*\): \(.*\)/  \1@\2/p' $(MAKEFILE_LIST) | \
	  awk -F@ '{ printf "%-12s %s\n", $$1, $$2 }'

# What a purpose needs is looked for every time, which takes a moment, and installed if
# it is missing. One after the other: they share a library.
.PHONY: setup-build setup-test setup-man setup-bench setup-site
setup-build:
	@$(RSCRIPT) tools/setup.R build
setup-test: setup-build
	@$(RSCRIPT) tools/setup.R test
setup-man: setup-test
	@$(RSCRIPT) tools/setup.R man
setup-bench: setup-test
	@$(RSCRIPT) tools/setup.R bench
setup-site: setup-test
	@$(RSCRIPT) tools/setup.R site

# The stamp is as old as the start, so that a file saved meanwhile is newer.
$(INSTALLED): $(PACKAGE) tools/install.sh | setup-build
	@touch $@.new
	@R='$(R)' JOBS=$(JOBS) tools/install.sh '$(LIBRARY)'
	@mv $@.new $@

# The core without R, once per variant: objects, then a program per test.
FLAGS_release := -O2
FLAGS_sanitize := -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all $(SANITIZE)
CORE_LIBS := -lm

define core_variant
.PHONY: core-$(1)
core-$(1): $$(C_TESTS:%=$(BUILD)/core-$(1)/%) $(BUILD)/core-$(1)/list_kernels

$(BUILD)/core-$(1)/%.o: src/core/%.c $(BUILD)/config.mk
	@mkdir -p $$(@D)
	@echo "  cc $(1) $$<"
	@$$(CORE_CC) $(C_FLAGS) $(FLAGS_$(1)) $$(OPENMP) -Isrc/core -MMD -MP -c $$< -o $$@

$(BUILD)/core-$(1)/libcore.a: $$(C_CORE:src/core/%.c=$(BUILD)/core-$(1)/%.o)
	@rm -f $$@
	@ar rcs $$@ $$^

$(BUILD)/core-$(1)/%: tests/core/%.c $(BUILD)/core-$(1)/libcore.a | setup-build
	@echo "  cc $(1) $$<"
	@$$(CORE_CC) $(C_FLAGS) $(FLAGS_$(1)) $$(OPENMP) -Isrc/core -MMD -MP $$< \
	  $(BUILD)/core-$(1)/libcore.a $$(CORE_LIBS) -o $$@

-include $$(wildcard $(BUILD)/core-$(1)/*.d $(BUILD)/core-$(1)/*/*.d)
endef
$(eval $(call core_variant,release))
$(eval $(call core_variant,sanitize))
