package redisbus

import "time"

// PingEvery makes b's next subscriptions ask more often.
func (b *Bus) PingEvery(d time.Duration) { b.pingEvery = d }
