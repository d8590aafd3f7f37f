package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/daemon/keyring"
)

// keep keeps a key where the flags say, and writes down where that is. What was
// kept in the keyring before and is not needed any more is taken out of it.
func (p *program) keep(c *cli.Context, f *configFile, key, base string) error {
	before, _ := f.find("api_key")
	value, where := key, f.path
	if c.Bool("keyring") {
		host := daemon.HostOf(cmp.Or(base, p.configured(f, "base_url")))
		if err := keyring.Set(c.Context, host, key, keyring.Patience); err != nil {
			return chat.Errorf(chat.CodeOf(err), "the key is not kept: %w (without --keyring it is kept in a file that only you can read)", err)
		}
		value, where = keyring.Reference(host), "the keyring, as "+f.path+" says"
	}
	if base != "" {
		if err := setChecked(f, "base_url", base); err != nil {
			return err
		}
	}
	if err := setChecked(f, "api_key", value); err != nil {
		return err
	}
	p.infof("the key is kept in %s", where)
	if before.plain() == value {
		return nil
	}
	if err := p.forget(c, before.plain()); err != nil {
		p.infof("%s", err)
	}
	return nil
}

// forget takes the key that a setting refers to out of the keyring. There is
// nothing to do for a key that stood in the file.
func (p *program) forget(c *cli.Context, value string) error {
	host, ok := keyring.Host(value)
	if !ok {
		return nil
	}
	err := keyring.Delete(c.Context, host, keyring.Patience)
	if err == nil || chat.IsCode(err, chat.CodeNotFound) {
		return nil
	}
	return chat.Errorf(chat.CodeOf(err), "the settings have forgotten the key, but the keyring may still have it, as that of \"chat\" for %s: %w", host, err)
}

// keptRow is the line of auth list about the key that the file knows of.
func (p *program) keptRow(c *cli.Context, base, value, path string) []string {
	host, ok := keyring.Host(value)
	if !ok {
		return []string{base, masked(value), path}
	}
	key, err := keyring.Get(c.Context, host, keyring.Briefly)
	if err != nil {
		p.warnf("the key for %s: %s", host, err)
		return []string{base, "?", "the keyring"}
	}
	return []string{base, masked(key), "the keyring"}
}
