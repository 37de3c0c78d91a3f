package attack

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"fiberchat.example/_example/rig"
)

func TestMain(m *testing.M) {
	if os.Getenv(attackersEnv) != "" {
		beAttackers()
		return
	}
	rig.Main(m)
}

type attack struct {
	name   string
	act    func(context.Context, *attackers)
	silent bool // nothing comes back, or nobody reads it
}

// attacks is what is tried, each for a while.
var attacks = []attack{
	{"repeated confirmations of one msgID", repeatConfirmations, false},
	{"unknown confirmations", confirmUnknown, false},
	{"unknown ACKs, SUBSCRIBE and UNSUBSCRIBE", acknowledgeUnknown, false},
	{"replays of 8 MiB", replay, false},
	{"resubscribing", resubscribe, false},
	{"history, sync and conversations", ask, false},
	{"sends to one", sendToOne, false},
	{"sends to many", sendToMany, false},
	{"contents of 48 KiB", sendLarge, false},
	{"contents too large", sendTooLarge, false},
	{"bad JSON", badJSON, false},
	{"slow readers", slowReaders, true},
	{"connecting", connectOften, false},
	{"connecting without a token", connectWithout, false},
	{"polling", poll, false},
	{"SockJS sessions", openSockJS, false},
	{"large requests over SockJS", sendLargeOverHTTP, false},
	{"guesses", guess, false},
	{"sign-ins", signIn, false},
	{"sign-ups", signUp, false},
	{"history", readHistory, false},
	{"history nobody reads", readNoHistory, true},
	{"forms", sendForms, false},
	{"promised bodies", promise, true},
	{"promised bodies over SockJS", promiseOverSockJS, true},
	{"heads that trickle", trickle, true},
}

// mostP50 is how long half of the innocents' messages may take at most, on a
// machine that has nothing else to do.
const mostP50 = 500 * time.Millisecond

func TestInnocents(t *testing.T) {
	if rig.Race {
		t.Skip("NOT RUN: asserts a time, so it needs a build without the race detector")
	}
	rig.Need(t, runtime.GOOS == "linux", "Linux, for /proc and addresses of 127.0.0.0/8")
	before, during := 400*time.Millisecond, time.Second
	if text := os.Getenv("FIBERCHAT_ATTACK"); text != "" {
		var err error
		if during, err = time.ParseDuration(text); err != nil {
			t.Fatal("FIBERCHAT_ATTACK:", err)
		}
		before = during / 2
	}
	server := rig.Start(t, "-db", filepath.Join(t.TempDir(), "chat.db"))
	a := signUpAttackers(t, server)
	people := signUpInnocents(t, server)

	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "attack\tp50 / p99 before\tduring\tasked\tanswered\tserver CPU\tRSS before\tpeak\tafter\t")
	for _, one := range attacks {
		t.Run(one.name, func(t *testing.T) {
			// A disk has a bad second now and then, a fault has them all.
			for try := 1; ; try++ {
				most := time.Duration(crowding(t) * float64(mostP50))
				felt := beside(t, server, a, people, one, before, during, table)
				if felt.n > 0 && felt.p50 < most {
					break
				}
				if try == 3 {
					t.Fatalf("innocents: %d messages, p50 / p99 %v, want a p50 below %v", felt.n, felt, most)
				}
			}
		})
	}
	table.Flush()
	t.Logf("%d pairs, a message each %v; attacks of %v; the machine takes %.1f times as long as one that has nothing else to do\n%s",
		pairs, every, during, crowding(t), out.String())
}

// beside lets the innocents talk before an attack and during it, and writes a
// row of the table.
func beside(t *testing.T, server *rig.Process, a *attackers, people innocents, one attack, before, during time.Duration, table io.Writer) (felt quantiles) {
	t.Helper()
	attackers := launch(t)
	start, begin := measure(t, server), time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { people.talk(ctx) })
	<-time.After(before)
	idle, attacked := measure(t, server), time.Now()
	asked, answered, err := attackers.attack(a, one.name, during)
	over := time.Now()
	cancel()
	group.Wait()
	if err != nil {
		t.Fatal(err)
	}
	people.settle(t)
	server.Running(t)
	end := measure(t, server)
	cpu := 100 * (end.cpu - idle.cpu).Seconds() / time.Since(attacked).Seconds()
	calm, felt := people.quantiles(begin, attacked), people.quantiles(attacked, over)
	fmt.Fprintf(table, "%s\t%v\t%v\t%d\t%d\t%.0f %%\t%d MiB\t%d\t%d\t\n",
		one.name, calm, felt, asked, answered, cpu, start.resident, end.peak, end.resident)
	if asked == 0 || answered == 0 && !one.silent {
		t.Fatalf("no attack: %d times asked, %d times answered", asked, answered)
	}
	return felt
}
