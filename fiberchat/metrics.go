package fiberchat

import (
	"context"
	"errors"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/metrics"
)

// count notes how an operation ended.
func (ch *Chat) count(o *metrics.Outcomes, r *chat.Result, err error) {
	switch {
	case errors.Is(err, chat.ErrConflict), errors.Is(err, chat.ErrNotFound):
		o.Refused.Inc()
	case err != nil:
		o.Failed.Inc()
	case r.Changed:
		o.Done.Inc()
	default:
		o.Repeated.Inc()
	}
}

// queued is how many bytes wait for clients.
func (ch *Chat) queued() float64 {
	sum := 0
	for _, c := range ch.hub.All() {
		sum += c.session.Queued()
	}
	return float64(sum)
}

// countedAuth counts the tokens that are refused.
type countedAuth struct {
	chat.Authenticator
	metrics *metrics.Set
}

func (a countedAuth) Authenticate(ctx context.Context, token string) (identity chat.Identity, err error) {
	reason := "error" // also when it panics, which the middleware recovers
	defer func() {
		if reason != "" {
			a.metrics.AuthFailures.WithLabelValues(reason).Inc()
		}
	}()
	identity, err = a.Authenticator.Authenticate(ctx, token)
	switch {
	case err == nil:
		reason = ""
	case errors.Is(err, chat.ErrExpired):
		reason = "expired"
	case errors.Is(err, chat.ErrUnauthorized):
		reason = "unauthorized"
	}
	return identity, err
}
