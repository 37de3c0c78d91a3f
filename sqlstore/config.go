package sqlstore

import (
	"fmt"
	"regexp"
	"time"
)

// Config is what can be changed about a Store. The zero value is the default.
type Config struct {
	// TablePrefix starts the name of every table and index, so that they
	// can live beside the app's own: a letter, then letters, digits and
	// underscores, at most 32.
	//
	// Optional. Default: "fiberchat_"
	TablePrefix string

	// TokenLifetime is how long a token from SignIn is valid.
	//
	// Optional. Default: 30 days
	TokenLifetime time.Duration
}

var tablePrefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,31}$`)

func withDefaults(config []Config) (Config, error) {
	var cfg Config
	if len(config) > 0 {
		cfg = config[0]
	}
	if cfg.TablePrefix == "" {
		cfg.TablePrefix = "fiberchat_"
	}
	if !tablePrefix.MatchString(cfg.TablePrefix) {
		return cfg, fmt.Errorf("sqlstore: table prefix %q: want a letter, then letters, digits or _, at most 32", cfg.TablePrefix)
	}
	if cfg.TokenLifetime == 0 {
		cfg.TokenLifetime = 30 * 24 * time.Hour
	}
	if cfg.TokenLifetime < 0 {
		return cfg, fmt.Errorf("sqlstore: token lifetime %v is negative", cfg.TokenLifetime)
	}
	return cfg, nil
}
