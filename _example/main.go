// Command _example is a whole chat server: accounts, the chat doors, a page
// to try them, and what running it needs. Everything that chat itself takes
// is the one call of fiberchat.New.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/sqlstore"
	_ "github.com/go-sql-driver/mysql" // for -db mysql://
	"github.com/gofiber/fiber/v2/middleware/healthcheck"
	"github.com/gofiber/fiber/v2/middleware/recover"
	_ "github.com/jackc/pgx/v5/stdlib" // for -db postgres://
)

// drainTime is how long requests and sessions in progress may take to end.
const drainTime = 10 * time.Second

type options struct {
	addr, db, nats, redis, prefix, metrics string
	rate, signUps                          int
	proxyHeader, trustedProxies            string
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen on this `address`")
	flag.StringVar(&o.db, "db", "fiberchat.db", "keep users and messages in this SQLite `file`, or at this postgres:// or mysql:// URL")
	flag.StringVar(&o.nats, "nats", "", "share the database with other nodes, which meet at this NATS `URL`")
	flag.StringVar(&o.redis, "redis", "", "the same at this Redis `URL`, such as redis://127.0.0.1:6379")
	flag.StringVar(&o.prefix, "prefix", "", "serve everything below this `path`, such as /Mimi")
	flag.IntVar(&o.rate, "rate", 50, "`messages` a second that a user may send, and REST requests; also limits sign-ins; 0 = no limits at all")
	flag.IntVar(&o.signUps, "signups", 10, "`accounts` an hour that may be made from one address; 0 = no limit")
	flag.StringVar(&o.proxyHeader, "proxy-header", "", "take a client's address from this `header`, which the proxy in front must overwrite, such as X-Real-IP")
	flag.StringVar(&o.trustedProxies, "trusted-proxies", privateNetworks, "believe forwarding headers of these `addresses` and ranges alone, separated by commas")
	flag.StringVar(&o.metrics, "metrics", "", "serve /metrics for Prometheus on this `address`, which should not be public")
	for _, name := range []string{"db", "nats", "redis"} { // an argument's password stands in the list of processes
		if value := os.Getenv("FIBERCHAT_" + strings.ToUpper(name)); value != "" {
			_ = flag.Set(name, value) // any text will do
		}
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unknown argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}

	if err := run(o); err != nil {
		// One line, however many the drivers make of theirs.
		fmt.Fprintln(os.Stderr, "fiberchat:", strings.Join(strings.Fields(err.Error()), " "))
		os.Exit(1)
	}
}

// run serves until a signal comes, and then drains.
func run(o options) (err error) {
	if o.prefix != "" && (!strings.HasPrefix(o.prefix, "/") || strings.HasSuffix(o.prefix, "/")) {
		return fmt.Errorf("-prefix %q: want it to begin with / and not to end with one", o.prefix)
	}
	if strings.ContainsAny(o.prefix, ":*+?#%") {
		return fmt.Errorf("-prefix %q: want a plain path", o.prefix)
	}
	if o.rate < 0 {
		return fmt.Errorf("-rate %d: want 0 or more", o.rate)
	}
	if o.signUps < 0 {
		return fmt.Errorf("-signups %d: want 0 or more", o.signUps)
	}
	proxies, err := parseProxies(o.trustedProxies)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer ln.Close() // harmless when the server has closed it
	metrics, err := serveMetrics(o.metrics)
	if err != nil {
		return err
	}
	defer metrics.Close()
	store, err := sqlstore.Open(o.db)
	if err != nil {
		return fmt.Errorf("open database: %w", err) // without -db, which may hold a password
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bus, leave, err := joinBus(o.nats, o.redis)
	if err != nil {
		return err
	}
	defer leave()

	// Only now: a signal before ends the program, which has nothing to drain
	// yet and may be waiting for a database.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app := newApp(o.proxyHeader, proxies)
	app.Use(recover.New())
	app.Use(healthcheck.New(healthcheck.Config{ReadinessProbe: ready(ctx, store)}))

	limits := fiberchat.Limits{SendRate: float64(o.rate)}
	if o.rate == 0 {
		limits.SendRate, limits.SendBytes = -1, -1 // fiberchat's word for no limit
	}
	site := app.Group(o.prefix)
	chats, err := fiberchat.New(site, fiberchat.Config{
		Store:      store,
		Bus:        bus,
		Limits:     limits,
		Registerer: metrics.registry,

		// The iframes of SockJS load the library from where the page does.
		SockJS: fiberchat.SockJS{
			ClientURL:       cdn + "/sockjs-client@1.6.1/dist/sockjs.min.js",
			ClientIntegrity: sockjsIntegrity,
		},
	})
	if err != nil {
		return err
	}
	mountAccounts(site, store, chats, newLimits(o.rate, o.signUps))
	mountPage(site)

	served := make(chan error, 1)
	// run owns the server, and waits for it on every way out.
	go func() { served <- app.Listener(patientListener{ln}) }()
	fmt.Printf("fiberchat: open http://%s%s/\n", ln.Addr(), o.prefix)

	select {
	case err = <-served:
		served <- nil
	case <-ctx.Done():
		// Before the drain begins: a second signal ends the program at once.
		signal.Reset(os.Interrupt, syscall.SIGTERM)
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return errors.Join(err, app.ShutdownWithContext(drain), chats.Close(drain), <-served)
}
