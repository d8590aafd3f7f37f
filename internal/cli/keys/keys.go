// Package keys stores the provider's key for the local daemon, in the config file or in
// the system's keyring.
package keys

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/term"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/keyring"
	"chat/internal/cli/connect"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

// Keeper stores the provider's key for the local daemon.
type Keeper struct {
	*output.Console
	server *connect.Connector
}

// New returns a keeper of keys.
func New(con *output.Console, server *connect.Connector) *Keeper { return &Keeper{con, server} }

// configured returns a setting from the environment or the file, or "".
func (p *Keeper) configured(f *settings.File, key string) string {
	if key == "base_url" && p.Env("OPENAI_BASE_URL") != "" {
		return p.Env("OPENAI_BASE_URL")
	}
	e, _ := f.Find(key)
	return e.Plain()
}

// maxKey limits the length of a key, in bytes.
const maxKey = 4096

// read reads a key from the terminal, without echo, or from stdin.
func (p *Keeper) read(ctx context.Context) (string, error) {
	var text string
	var err error
	if term.IsTerminal(p.In.Fd()) {
		text, err = p.askSecret(ctx)
	} else if text, err = bufio.NewReader(io.LimitReader(p.In, maxKey)).ReadString('\n'); errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		return "", err
	}
	key := daemon.TrimKey(text)
	switch {
	case key == "":
		return "", chat.Errorf(chat.CodeInvalid, "there is no key: type one, or pipe one in")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", chat.Errorf(chat.CodeInvalid, "this is not a key: it contains spaces or invalid characters")
	}
	return key, nil
}

// askSecret asks on the terminal, and always restores the terminal's mode.
func (p *Keeper) askSecret(ctx context.Context) (string, error) {
	before, err := term.GetState(p.In.Fd())
	if err != nil {
		return "", err
	}
	fmt.Fprint(p.Err, "key (hidden): ")
	type typed struct {
		key []byte
		err error
	}
	read := make(chan typed, 1)
	// A read of a terminal cannot be cancelled; it ends with the process.
	go func() {
		key, err := term.ReadPassword(p.In.Fd())
		read <- typed{key, err}
	}()
	defer fmt.Fprintln(p.Err)
	select {
	case t := <-read:
		if errors.Is(t.err, io.EOF) {
			t.err = nil
		}
		return string(t.key), t.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(p.In.Fd(), before))
	}
}

// try checks a key: it asks the provider for its models through the local daemon.
func (p *Keeper) try(ctx context.Context, own client.Options) error {
	resolve, closing, err := p.server.Resolve(ctx, connect.Choice{})
	if err != nil {
		return err
	}
	cl := client.New(resolve, own)
	defer cl.Close()
	at, err := cl.Endpoint(ctx)
	if err == nil && at.Network != "unix" {
		err = chat.Errorf(chat.CodeInvalid, "CHAT_HOST names another server, which does not accept your key: unset it, or use --no-check")
	}
	if err == nil {
		var notice *chat.Error
		if _, notice, err = cl.ModelsWithNotice(ctx); notice != nil && notice.Code != chat.CodeProviderModel {
			err = notice // the list has the models of local servers only
		}
		err = p.server.Explain(err)
	}
	if err = errors.Join(err, closing()); err != nil {
		return chat.Errorf(chat.CodeOf(err), "the key was not stored: %w (--no-check stores it unchecked)", err)
	}
	return nil
}

// keep stores a key in the keyring or the config file, and deletes a key that it
// replaces from the keyring.
func (p *Keeper) keep(ctx context.Context, f *settings.File, key, base string, inKeyring bool) error {
	before, _ := f.Find("api_key")
	value, where := key, f.Path
	if inKeyring {
		host := daemon.HostOf(cmp.Or(base, p.configured(f, "base_url")))
		if err := keyring.Set(ctx, host, key, keyring.Patience); err != nil {
			return chat.Errorf(chat.CodeOf(err), "the key was not stored: %w (without --keyring, it is stored in a file that only you can read)", err)
		}
		value, where = keyring.Reference(host), "the keyring; "+f.Path+" refers to it"
	}
	if base != "" {
		if err := settings.Set(f, "base_url", base); err != nil {
			return err
		}
	}
	if err := settings.Set(f, "api_key", value); err != nil {
		return err
	}
	p.Infof("stored the key in %s", where)
	if before.Plain() == value {
		return nil
	}
	if err := p.forget(ctx, before.Plain()); err != nil {
		p.Infof("%s", err)
	}
	return nil
}

// keepNamed stores a provider with a name of its own, and its key. A key that it replaces is
// deleted from the keyring.
func (p *Keeper) keepNamed(ctx context.Context, f *settings.File, in Login, key string) error {
	before, _ := f.Find(keyOf(in.Name))
	var fields []settings.Field
	if in.Kind != "" {
		fields = append(fields, settings.Field{Name: "kind", Value: in.Kind})
	}
	if in.BaseURL != "" || key == "" {
		base := cmp.Or(in.BaseURL, daemon.DefaultBaseURLOf(in.Name, cmp.Or(in.Kind, daemon.KnownKind(in.Name))))
		fields = append(fields, settings.Field{Name: "base_url", Value: base})
	}
	value, where := key, f.Path
	if in.Keyring {
		value, where = keyring.Reference(in.Name), "the keyring; "+f.Path+" refers to it"
	}
	if value != "" {
		fields = append(fields, settings.Field{Name: "api_key", Value: value})
	}
	text, err := settings.WithProvider(f, in.Name, fields)
	if err == nil && in.Keyring {
		if err = keyring.Set(ctx, in.Name, key, keyring.Patience); err != nil {
			err = chat.Errorf(chat.CodeOf(err), "the key was not stored: %w (without --keyring, it is stored in a file that only you can read)", err)
		}
	}
	if err == nil {
		err = f.Write(text)
	}
	if err != nil {
		return err
	}
	if key == "" {
		p.Infof("stored the provider %s in %s, without a key", in.Name, f.Path)
		return nil
	}
	p.Infof("stored the key of %s in %s", in.Name, where)
	if before.Plain() == value {
		return nil
	}
	if err := p.forget(ctx, before.Plain()); err != nil {
		p.Infof("%s", err)
	}
	return nil
}

// keyOf is the setting with the key of a named provider.
func keyOf(name string) string { return daemon.ProvidersTable + "." + name + ".api_key" }

// forgetNamed removes the key of a named provider, and all of the provider if asked.
func (p *Keeper) forgetNamed(ctx context.Context, f *settings.File, name string) error {
	named, err := p.named(f)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(named, func(n daemon.NamedProvider) bool { return n.Name == name }) {
		return chat.Errorf(chat.CodeNotFound, "there is no provider %q in %s: chat auth list lists them", name, f.Path)
	}
	e, _ := f.Find(keyOf(name))
	if err := f.Write(f.WithoutTable(daemon.ProvidersTable + "." + name)); err != nil {
		return err
	}
	return p.forget(ctx, e.Plain())
}

// named returns the named providers of the file.
func (p *Keeper) named(f *settings.File) ([]daemon.NamedProvider, error) {
	named, _, err := daemon.NamedProviders(f.Text())
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "%s cannot be read: chat config check explains why", f.Path)
	}
	return named, nil
}

// forget deletes the key that a setting refers to from the keyring. It does nothing for
// a key in the file.
func (p *Keeper) forget(ctx context.Context, value string) error {
	host, ok := keyring.Host(value)
	if !ok {
		return nil
	}
	err := keyring.Delete(ctx, host, keyring.Patience)
	if err == nil || chat.IsCode(err, chat.CodeNotFound) {
		return nil
	}
	return chat.Errorf(chat.CodeOf(err), "the key was removed from the settings, but the keyring may still have it as \"chat\" for %s: %w", host, err)
}

// row returns the line of auth list for a key in the config file.
func (p *Keeper) row(ctx context.Context, name, base, value, path string) []string {
	if variable, ok := daemon.KeyVariable(value); ok {
		if key := p.Env(variable); key != "" {
			return []string{name, base, settings.Mask(key), "$" + variable}
		}
		return []string{name, base, "not set", "$" + variable}
	}
	host, ok := keyring.Host(value)
	switch {
	case value == "":
		return []string{name, base, "none", path}
	case !ok:
		return []string{name, base, settings.Mask(value), path}
	}
	key, err := keyring.Get(ctx, host, keyring.Briefly)
	if err != nil {
		p.Warnf("the key for %s: %s", host, err)
		return []string{name, base, "?", "the keyring"}
	}
	return []string{name, base, settings.Mask(key), "the keyring"}
}
