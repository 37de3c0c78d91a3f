package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/healthcheck"
)

// privateNetworks are where a proxy in front of the program is.
const privateNetworks = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"

// parseProxies reads -trusted-proxies. Fiber would log what it does not
// understand, and go on without it.
func parseProxies(list string) ([]string, error) {
	var proxies []string
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		if addr, err := netip.ParseAddr(one); err == nil {
			proxies = append(proxies, addr.String())
		} else if network, err := netip.ParsePrefix(one); err == nil {
			proxies = append(proxies, network.String())
		} else {
			return nil, fmt.Errorf("-trusted-proxies %q: want addresses and ranges, such as 10.0.0.0/8", one)
		}
	}
	return proxies, nil
}

func newApp(proxyHeader string, proxies []string) *fiber.App {
	return fiber.New(fiber.Config{
		AppName:               "fiberchat",
		DisableStartupMessage: true,
		ReadTimeout:           30 * time.Second,
		WriteTimeout:          30 * time.Second, // of an answer that nobody reads; chat has its own
		IdleTimeout:           2 * time.Minute,
		ReadBufferSize:        16 << 10, // all headers: cookies of the site, and a token in the address
		// Else a promised body takes its room, and one in parts is read to memory
		// and files, before a handler can refuse it. What reads a body bounds it.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 answerError,
		JSONEncoder:                  encodeJSON,
		ProxyHeader:                  proxyHeader,
		EnableTrustedProxyCheck:      true,
		TrustedProxies:               proxies,
	})
}

// ready is the readiness probe: not while draining, and only with a database
// that answers.
func ready(running context.Context, store *sqlstore.Store) healthcheck.HealthChecker {
	return func(*fiber.Ctx) bool {
		ctx, cancel := context.WithTimeout(running, time.Second)
		defer cancel()
		_, err := store.UserByID(ctx, 0)
		return errors.Is(err, chat.ErrNotFound)
	}
}
