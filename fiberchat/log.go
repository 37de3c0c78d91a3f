package fiberchat

import (
	"context"
	"log/slog"
)

// quietPanics is the app's log handler, which may panic where nobody expects
// it: in the goroutine that publishes, or while a panic is being logged. What
// it then did not log is lost.
type quietPanics struct{ slog.Handler }

func (h quietPanics) Enabled(ctx context.Context, level slog.Level) (ok bool) {
	defer func() { _ = recover() }()
	return h.Handler.Enabled(ctx, level)
}

func (h quietPanics) Handle(ctx context.Context, r slog.Record) error {
	defer func() { _ = recover() }()
	return h.Handler.Handle(ctx, r)
}

func (h quietPanics) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = h
		}
	}()
	return quietPanics{h.Handler.WithAttrs(attrs)}
}

func (h quietPanics) WithGroup(name string) (with slog.Handler) {
	defer func() {
		if recover() != nil {
			with = h
		}
	}()
	return quietPanics{h.Handler.WithGroup(name)}
}
