# What goes where, and away again.  tools/system is what root's install does besides.

D := $(DESTDIR)$(PREFIX)
# What cannot be read is undumpable from its first instruction, so that nobody
# reads or changes a program between its start and its own hardening.  Root's
# programs can stay writable for root, and nobody else replaces them.
MODE := $(if $(filter 0,$(shell id -u)),711,111)

# Where systemd looks for units: an install into any other PREFIX has only the
# templates, and every user may say ccctl login enable.
units := $(if $(filter /usr /usr/local,$(PREFIX)),$(wildcard share/systemd/user/*.in share/systemd/system/*.in))
conf := $(if $(units),$(wildcard share/systemd/sysusers.d/* share/systemd/tmpfiles.d/*))
unit_path = lib/systemd/$(patsubst share/systemd/%.in,%,$(1))
conf_path = lib/$(patsubst share/systemd/%,%,$(1))

# Where the shells look for completions.  Debian's zsh has a place of its own for packages.
BASH_COMPLETIONS := share/bash-completion/completions
ZSH_COMPLETIONS := share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISH_COMPLETIONS := share/fish/vendor_completions.d

inside_names := $(patsubst $(LIBEXEC)/%,%,$(inside))

define install_unit
@echo '  UNIT  $(D)/$(call unit_path,$(1))'
@sed 's|@BIN@|$(PREFIX)/bin|g; s|@LIBEXEC@|$(PREFIX)/libexec/ccrun|g' $(1) | \
	install -D -m 644 /dev/stdin "$(D)/$(call unit_path,$(1))"

endef

.PHONY: install uninstall
.SILENT: install uninstall
install: all
	install -d "$(D)/bin" "$(D)/libexec/ccrun" "$(D)/lib/ccrun" "$(D)/share/ccrun/providers" \
		"$(D)/share/ccrun/sources" \
		"$(D)/share/man/man1" "$(D)/share/man/man5" "$(D)/share/man/man7" "$(D)/share/man/man8"
	install -m $(MODE) $(BIN)/ccrun $(BIN)/ccctl $(BIN)/ccrun-statusline "$(D)/bin/"
	install -m $(MODE) $(LIBEXEC)/ccbroker $(LIBEXEC)/ccrun-import $(helpers) "$(D)/libexec/ccrun/"
	install -d "$(D)/libexec/ccrun/inside" "$(D)/libexec/ccrun/confined"
	for n in $(inside_names); do ln -sfn ../../../bin/ccrun "$(D)/libexec/ccrun/$$n" || exit 1; done
# The broker's keeper runs an unreadable copy of it, which only who may read it can make.
	[ "$$(id -u)" = 0 ] || [ ! -e "$(D)/libexec/ccrun/ccrun-relay" ] || chmod 511 "$(D)/libexec/ccrun/ccrun-relay"
	install -m 755 $(LIBDIR)/libccrun.so "$(D)/lib/ccrun/"
	install -m 644 share/providers/*.conf "$(D)/share/ccrun/providers/"
	install -m 644 share/sources/*.conf "$(D)/share/ccrun/sources/"
	for f in $(login_files); do install -D -m 644 $$f "$(D)/share/ccrun/$${f#share/}" || exit 1; done
	install -D -m 644 share/completions/ccctl.bash "$(D)/$(BASH_COMPLETIONS)/ccctl"
	ln -sfn ccctl "$(D)/$(BASH_COMPLETIONS)/ccrun"
	install -D -m 644 share/completions/_ccctl "$(D)/$(ZSH_COMPLETIONS)/_ccctl"
	install -D -m 644 share/completions/ccctl.fish "$(D)/$(FISH_COMPLETIONS)/ccctl.fish"
	ln -sfn ccctl.fish "$(D)/$(FISH_COMPLETIONS)/ccrun.fish"
	install -m 644 man/*.1 "$(D)/share/man/man1/"
	install -m 644 man/*.5 "$(D)/share/man/man5/"
	install -m 644 man/*.7 "$(D)/share/man/man7/"
	install -m 644 man/*.8 "$(D)/share/man/man8/"
	$(foreach u,$(units),$(call install_unit,$(u)))
	$(if $(conf),for f in $(conf); do install -D -m 644 $$f "$(D)/lib/$${f#share/systemd/}" || exit 1; done)
# With PREFIX=~/.local that directory is also the home of your vault, which is private.
	@[ "$(D)/share" != "$${XDG_DATA_HOME:-$$HOME/.local/share}" ] || chmod 700 "$(D)/share/ccrun"
	@[ "$$(id -u)" = 0 ] || echo 'note: installed as you, so a session can replace these programs; installed as root it cannot'
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || tools/system setup "$(PREFIX)"
	@echo 'installed: $(D)/bin/ccrun, ccctl and ccrun-statusline'
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) [ -n "$(DESTDIR)" ] || \
		echo 'hint: $(PREFIX)/bin is not in your PATH yet: log in again, or PATH=$(PREFIX)/bin:$$PATH' ;; esac

uninstall:
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" = 0 ] || tools/undo "$(PREFIX)"
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || tools/system remove
	rm -f "$(D)/bin/ccrun" "$(D)/bin/ccctl" "$(D)/bin/ccrun-statusline" "$(D)/libexec/ccrun/ccbroker" "$(D)"/libexec/ccrun/ccrun-* "$(D)/lib/ccrun/libccrun.so"
	rm -f $(foreach n,$(inside_names),"$(D)/libexec/ccrun/$(n)")
	for f in share/providers/*.conf; do rm -f "$(D)/share/ccrun/providers/$${f##*/}"; done
	for f in share/sources/*.conf; do rm -f "$(D)/share/ccrun/sources/$${f##*/}"; done
	for f in $(login_files); do rm -f "$(D)/share/ccrun/$${f#share/}"; done
	rm -f "$(D)/$(BASH_COMPLETIONS)/ccctl" "$(D)/$(BASH_COMPLETIONS)/ccrun" "$(D)/$(ZSH_COMPLETIONS)/_ccctl"
	rm -f "$(D)/$(FISH_COMPLETIONS)/ccctl.fish" "$(D)/$(FISH_COMPLETIONS)/ccrun.fish"
	for s in 1 5 7 8; do for f in man/*.$$s; do rm -f "$(D)/share/man/man$$s/$${f##*/}"; done; done
	$(if $(units),rm -f $(foreach u,$(units),"$(D)/$(call unit_path,$(u))") $(foreach f,$(conf),"$(D)/$(call conf_path,$(f))"))
	@for d in libexec/ccrun/inside libexec/ccrun/confined libexec/ccrun lib/ccrun $(addprefix share/ccrun/,$(patsubst share/%,%,$(sort $(dir $(login_files))))) \
		share/ccrun/systemd share/ccrun/providers share/ccrun/sources share/ccrun; do rmdir "$(D)/$$d" 2>/dev/null || :; done
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || tools/system reload
	@echo 'removed: the programs in $(D); vaults stay: yours is in ~/.local/share/ccrun'
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" = 0 ] || ! pgrep -u "$$(id -u)" -x ccbroker >/dev/null 2>&1 || \
		echo 'note: a broker of yours that runs is locked and goes on until it is ended: pkill -x ccbroker'
