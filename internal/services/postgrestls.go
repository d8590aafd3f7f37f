package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EnableTLS makes the server accept TLS with a certificate, and clients with a certificate of
// ca log in as the role that it names if they are of the group certified. All are PEM.
func (s *PostgresServer) EnableTLS(ctx context.Context, cert, key, ca []byte) error {
	hba := []byte("hostssl all +certified all cert\nhostnossl all +certified all reject\nlocal all all trust\nhost all all all trust\n")
	for name, data := range map[string][]byte{"server.crt": cert, "server.key": key, "root.crt": ca, "pg_hba.conf": hba} {
		path := filepath.Join(s.data(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return fmt.Errorf("enable TLS: %w", err)
		}
		if s.user != nil {
			if err := os.Chown(path, int(s.user.Uid), int(s.user.Gid)); err != nil {
				return fmt.Errorf("enable TLS: %w", err)
			}
		}
	}
	return errors.Join(s.exec(ctx, "ALTER SYSTEM SET ssl_ca_file = 'root.crt'"), s.exec(ctx, "ALTER SYSTEM SET ssl = on"),
		s.exec(ctx, "SELECT pg_reload_conf()"), s.wait(ctx, "SELECT current_setting('ssl') = 'on'"))
}
