// SPDX-License-Identifier: Apache-2.0
// run.sh copies this file beside the code that docs/drivers/go.md shows.
package drivers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jackc/pgx/v5/tracelog"
)

var (
	ctx                         = context.Background()
	alice, bob, forged, expired = os.Getenv("ALICE"), os.Getenv("BOB"), os.Getenv("FORGED"), os.Getenv("EXPIRED")
	notes, insert               = "SELECT body FROM note ORDER BY id", "INSERT INTO note (body) VALUES ($1) RETURNING body"
	unlucky                     = errors.New("of the work")
	ofAlice, ofBob              = []string{"of alice"}, []string{"of bob"}
)

func address(database string) string {
	return fmt.Sprintf("postgres://app@127.0.0.1:%s/%s?sslmode=disable&default_query_exec_mode=exec", os.Getenv("POOL_PORT"), database)
}

// A driver: run a query, which returns texts, as a user or outside. then is called in the transaction.
type driver struct {
	asUser  func(token, query string, then error, values ...any) ([]string, error)
	outside func() (who *string, seen, pid int, err error)
	close   func()
}

const who = "SELECT auth.user_id(), (SELECT count(*)::int FROM note), pg_backend_pid()"

func openPgx(t *testing.T, database string) driver {
	pool, err := pgxpool.New(ctx, address(database))
	if err != nil {
		t.Fatal(err)
	}
	return driver{
		func(token, query string, then error, values ...any) (found []string, err error) {
			err = asUser(ctx, pool, token, func(tx pgx.Tx) error {
				rows, err := tx.Query(ctx, query, values...)
				if err != nil {
					return err
				}
				if found, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
					return err
				}
				return then
			})
			return found, err
		},
		func() (who_ *string, seen, pid int, err error) {
			err = pool.QueryRow(ctx, who).Scan(&who_, &seen, &pid)
			return
		},
		pool.Close,
	}
}

func openSQL(t *testing.T, database string) driver {
	db, err := sql.Open("pgx", address(database))
	if err != nil {
		t.Fatal(err)
	}
	return driver{
		func(token, query string, then error, values ...any) (found []string, err error) {
			err = asUserSQL(ctx, db, token, func(tx *sql.Tx) error {
				rows, err := tx.QueryContext(ctx, query, values...)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					var body string
					if err := rows.Scan(&body); err != nil {
						return err
					}
					found = append(found, body)
				}
				if err := rows.Err(); err != nil {
					return err
				}
				return then
			})
			return found, err
		},
		func() (who_ *string, seen, pid int, err error) {
			err = db.QueryRow(who).Scan(&who_, &seen, &pid)
			return
		},
		func() { db.Close() },
	}
}

// What an application can log of an error, in any usual way.
func hasNoToken(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		text := fmt.Sprintf("%v %+v %#v", e, e, e)
		for _, token := range []string{alice, bob, forged, expired} {
			for _, part := range strings.Split(token, ".")[1:] {
				if strings.Contains(text, part) {
					t.Errorf("a token is in the text: %s", text)
				}
			}
		}
	}
}

func TestDrivers(t *testing.T) {
	for name, open := range map[string]func(*testing.T, string) driver{"pgx": openPgx, "database/sql": openSQL} {
		t.Run(name, func(t *testing.T) { cases(t, open) })
	}
}

func cases(t *testing.T, open func(*testing.T, string) driver) {
	d := open(t, "app")
	defer d.close()
	server := 0
	isNobodys := func(t *testing.T) {
		t.Helper()
		who, seen, pid, err := d.outside()
		if server == 0 {
			server = pid
		}
		if err != nil || who != nil || seen != 0 || pid != server {
			t.Errorf("user %v, %d rows, process %d of %d, error %v", who, seen, pid, server, err)
		}
	}
	sees := func(t *testing.T, token string, wanted []string) {
		t.Helper()
		found, err := d.asUser(token, notes, nil)
		if err != nil || !slices.Equal(found, wanted) {
			t.Errorf("found %q, error %v", found, err)
		}
	}
	usable := func(t *testing.T) {
		t.Helper()
		isNobodys(t)
		sees(t, bob, ofBob)
		isNobodys(t)
	}
	t.Run("users take turns on one connection", func(t *testing.T) {
		for range 20 {
			sees(t, alice, ofAlice)
			isNobodys(t)
			usable(t)
		}
	})
	for what, token := range map[string]string{"an expired token": expired, "a forged token": forged, "no JWT": "alice"} {
		t.Run(what+" is refused, and its text is in no error", func(t *testing.T) {
			_, err := d.asUser(token, notes, nil)
			var refusal *TokenRefused
			if !errors.As(err, &refusal) || (refusal.SQLState == "42804") != (token == "alice") {
				t.Errorf("not refused: %v", err)
			}
			hasNoToken(t, err)
			usable(t)
		})
	}
	otherError := func(t *testing.T, err error, part string) {
		t.Helper()
		var refusal *TokenRefused
		if err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), part) {
			t.Errorf("not the error: %v", err)
		}
		hasNoToken(t, err)
	}
	t.Run("a constraint of the work is no refused token", func(t *testing.T) {
		_, err := d.asUser(alice, insert, nil, "")
		otherError(t, err, "note_body_check")
		usable(t)
	})
	t.Run("what fails leaves no row", func(t *testing.T) {
		if found, err := d.asUser(alice, insert, unlucky, "more"); err != unlucky || len(found) != 1 {
			t.Errorf("found %q, error %v", found, err)
		}
		sees(t, alice, ofAlice)
	})
	t.Run("a server without keys is no refused token", func(t *testing.T) {
		keyless := open(t, "keyless")
		defer keyless.close()
		_, err := keyless.asUser(alice, notes, nil)
		otherError(t, err, "55000")
	})
}

// What the page says of pgx's log.
func TestTraceLog(t *testing.T) {
	config, err := pgx.ParseConfig(address("app"))
	if err != nil {
		t.Fatal(err)
	}
	logged := ""
	config.Tracer = &tracelog.TraceLog{LogLevel: tracelog.LogLevelInfo, Logger: tracelog.LoggerFunc(
		func(_ context.Context, _ tracelog.LogLevel, _ string, data map[string]any) {
			logged += fmt.Sprint(data["args"])
		})}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	// The log shortens long texts.
	conn.Exec(ctx, "SELECT auth.jwt_authenticate($1)", "made.up.value")
	if !strings.Contains(logged, "made.up.value") {
		t.Errorf("logged: %s", logged)
	}
}

// What docs/drivers.md says of startup parameters.
func TestSessionKey(t *testing.T) {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://app@127.0.0.1:%s/session_key?sslmode=disable&pg_session_jwt.jwk=%s",
		os.Getenv("PGPORT"), url.QueryEscape(os.Getenv("SESSION_JWK"))))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT auth.init()"); err != nil {
		t.Error(err)
	}
}
