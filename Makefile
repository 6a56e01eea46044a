# nlbprobe: the targets that people and CI call. `make help` lists them.

GO       ?= go
PREFIX   ?= /usr/local
FUZZTIME ?= 5s
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -buildid= -X main.version=$(VERSION)
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
PURE     := $(addprefix ./,$(shell sed '/^\#/d' scripts/pure-packages))
PKG      ?= ./mac
GREMLINS := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := build

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: build
build: ## build bin/nlbprobe, and on Linux bin/nlblab
	@mkdir -p bin
	$(BUILD) -o bin/ ./cmd/...

.PHONY: demo
demo: build ## the real report, from a practice cluster on this machine; needs no hardware
	@scripts/demo.sh

.PHONY: test
test: deps check cross ## all tests: vet, race detector, a short fuzz run, the lab
	CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: update
update: ## rewrite all golden files; read the difference before you commit it
	$(GO) test ./templates ./templates/reading ./templates/forms ./report ./cmd/... -run 'Golden|Text|JSON|Form|Render|Platforms|Explain|Help|Mac|Script|Hostile|List' -update

.PHONY: deps
deps: ## install what the tests need from the system (as root), or name it
	@scripts/test-deps.sh

.PHONY: check
check: ## formatting and vet
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "not gofmt'ed: $$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags man ./cmd/nlbprobe

.PHONY: cross
cross: ## build for every system that the commands without raw sockets promise
	@for t in linux/arm64 windows/amd64 darwin/arm64; do \
		echo "build for $$t"; \
		CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -o /dev/null ./cmd/nlbprobe || exit 1; \
		CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) vet ./... || exit 1; \
	done

.PHONY: fuzz
fuzz: ## fuzz every parser for long: make fuzz FUZZTIME=10m
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: build deps ## benchmarks, and the probe's times beside arping and arp-scan
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...
	@scripts/bench.sh

.PHONY: corpus
corpus: build ## what analyze claims of a folder of captures: make corpus DIR=FOLDER
	@test -n "$(DIR)" || { echo "name the folder: make corpus DIR=FOLDER"; exit 3; }
	@$(GO) run ./scripts/corpus "$(DIR)"

.PHONY: cover
cover: ## coverage of the packages that need no socket
	@$(GO) test -cover $(PURE)

# The coverage run must not come from the cache: a mutant's time limit is made of its time.
.PHONY: mutate
mutate: ## deliberate faults that the tests of a package must notice: make mutate PKG=./mac
	@for p in $(PKG); do GOFLAGS=-count=1 nice $(GO) run $(GREMLINS) unleash $$p || exit 1; done

.PHONY: pure
pure: ## the tests of the packages that need no socket: on any system, nothing installed
	$(GO) test $(PURE)

.PHONY: lint
lint: ## golangci-lint with the rules of .golangci.yml
	$(GO) run $(GOLANGCI) run ./...

.PHONY: man
man: ## write the manual pages into bin/man
	@rm -rf bin/man
	$(GO) run -tags man ./cmd/nlbprobe bin/man

.PHONY: install
install: build man ## install nlbprobe and its manual under PREFIX (default /usr/local)
	install -D -m 0755 bin/nlbprobe $(DESTDIR)$(PREFIX)/bin/nlbprobe
	install -d $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 0644 bin/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
