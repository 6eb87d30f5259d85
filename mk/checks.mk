# What looks at the code without running it.

.PHONY: floors lint analyse coverage docs format both debian13
# Which folder includes which, from the compiler: only lower ones.
floors:
	@CC="$(CC)" tools/floors

# LINT="format tidy": these parts alone.
lint: all
	@tools/lint $(BUILD)

# gcc's analyser and cppcheck, a minute; tools/analyse.known has what is not so.
analyse:
	@tools/need build analyse >/dev/null || tools/deps build analyse
	@tools/analyse

# Branches of broker, relay and vault that tests run through, in minutes, as an ordinary user.
coverage:
	@tools/need build run test cover >/dev/null || tools/deps build run test cover
	@tools/coverage

# Writes the tables of folders in docs/ARCHITECTURE.md and of attacks in docs/THREATS.md, and
# docs/TROUBLES.md, and SYNOPSIS of the man pages.
docs:
	@tools/docs --refresh
	@tools/spec --refresh $(BUILD)

format:
	@find . -path './build*' -prune -o -name '*.[ch]' -print | xargs clang-format -i

both:
	@$(MAKE) --no-print-directory CC=gcc all unit-build
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)-clang all unit-build

# As root: the build and the unit tests on Debian 13, in a chroot.
debian13:
	@tools/debian trixie
