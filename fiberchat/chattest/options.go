package chattest

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Option says how to connect.
type Option func(*options)

type options struct {
	prefix, transport, session string
	patience                   time.Duration
	mute                       bool
	dial                       func(ctx context.Context, network, addr string) (net.Conn, error)
}

// SockJS goes through /socketServer in place of /client, by a transport that
// sockjs-client knows under this name: websocket, xhr-streaming, xhr-polling,
// eventsource, htmlfile or jsonp-polling; raw-websocket is SockJS's door for
// those who speak no SockJS.
func SockJS(transport string) Option { return func(o *options) { o.transport = transport } }

// Session names the SockJS session; by default it is one that nobody has.
func Session(id string) Option { return func(o *options) { o.session = id } }

// Prefix is the path of the router that chat was mounted on, such as /api.
func Prefix(path string) Option { return func(o *options) { o.prefix = path } }

// Patience bounds each wait. The default of a Client is 10 seconds; a Conn has
// none, and ends where one is exceeded.
func Patience(d time.Duration) Option { return func(o *options) { o.patience = d } }

// Mute does not answer WebSocket pings, as a client that is gone.
func Mute() Option { return func(o *options) { o.mute = true } }

// Through opens the sockets: for those that are slow, small or get lost.
func Through(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(o *options) { o.dial = dial }
}

func (o *options) open(ctx context.Context, base, query string) (link, error) {
	session := "/socketServer/000/" + o.session
	switch o.transport {
	case "":
		return openWebSocket(ctx, o, "ws://"+base+"/client"+query)
	case "raw-websocket":
		return openWebSocket(ctx, o, "ws://"+base+"/socketServer/websocket"+query)
	case "websocket":
		return openWebSocket(ctx, o, "ws://"+base+session+"/websocket"+query)
	}
	for _, t := range polls {
		if t.name == o.transport {
			return openHTTP(ctx, o, t, "http://"+base+session, query)
		}
	}
	return nil, fmt.Errorf("chattest: there is no transport %q", o.transport)
}
